import { pino } from 'pino';
import { expect, test } from 'vitest';
import { genericDeviceType } from '../../runtime/contracts/device-type.ts';
import { telemetryBounds } from '../../runtime/contracts/telemetry.ts';
import { type CompiledType, compileType } from '../../runtime/processor/device-type.ts';
import type { Work } from '../../runtime/processor/lane.ts';
import { createRouter } from '../../runtime/processor/router.ts';

const received = 1_790_000_000_000;

/** What the router makes of payloads that one device sent. */
function routed(type: CompiledType, payloads: readonly string[]): Work[] {
  const sent: Work[] = [];
  const router = createRouter({
    types: { get: () => type, lookup: async () => undefined },
    retentionMs: 86_400_000,
    send: (work) => sent.push(work),
    onCoreAway: () => undefined,
    onCoreBack: () => undefined,
    log: pino({ enabled: false }),
    now: () => received,
  });
  payloads.forEach((payload, n) => {
    const attributes = {
      v: '1',
      tenant: 'main',
      device: 'dev-1',
      kind: 'events',
      message: String(n + 1).padStart(32, '0'),
      received: String(received),
    };
    router.accept({ raw: { attributes, data: Buffer.from(payload) }, done: () => undefined, parked: false });
  });
  return sent;
}

const outcome = (work: Work | undefined) => [work?.rows.length, work?.deadLetters.map((letter) => letter.reason)];

test('the deepest payload that a gateway takes is one dead letter, whole, and holds nothing up', () => {
  const half = telemetryBounds.payloadBytes / 2 - 3;
  const deep = `{"t":${'['.repeat(half)}${']'.repeat(half)}}`;
  const [first, second] = routed(compileType(genericDeviceType, 1), [deep, '{"t":1}']);
  expect(outcome(first)).toEqual([0, ['too-large']]);
  expect(first?.deadLetters[0]?.payload.toString()).toBe(deep);
  expect(outcome(second)).toEqual([1, []]);
});

test('a message that the processor fails on goes alone to the dead letters', () => {
  const type: CompiledType = {
    ...compileType(genericDeviceType, 1),
    apply(values) {
      if (values['t'] === 13) throw new TypeError('a mistake of ours');
      return { values };
    },
  };
  const works = routed(type, ['{"t":1}', '{"t":13}', '{"t":2}']);
  expect(works.map(outcome)).toEqual([
    [1, []],
    [0, ['rejected']],
    [1, []],
  ]);
  expect(works[1]?.deadLetters[0]?.detail).toContain('a mistake of ours');
});
