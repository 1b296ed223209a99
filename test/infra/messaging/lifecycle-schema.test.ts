import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadSync } from '@grpc/proto-loader';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Messaging } from '../../../infra/messaging/messaging.ts';
import type { LifecycleEvent } from '../../../runtime/contracts/bus.ts';
import { ofType, only, recordComponent } from '../support/component.ts';

const file = fileURLToPath(new URL('../../../infra/messaging/lifecycle-event.proto', import.meta.url));
const definition = readFileSync(file, 'utf8');
type Field = { name: string; type: string };
const { field: fields } = (
  loadSync(file, { keepCase: true })['LifecycleEvent'] as unknown as { type: { field: Field[] } }
).type;

/** What Pub/Sub refuses of a JSON message of this schema: unknown fields, wrong types. An absent field is its default. */
function misfits(json: string): string[] {
  const body = Object.entries(JSON.parse(json) as Record<string, unknown>);
  return body.flatMap(([key, value]) => {
    const field = fields.find((each) => each.name === key);
    return field !== undefined && fits(field.type, value) ? [] : [key];
  });
}

function fits(type: string, value: unknown): boolean {
  if (type === 'TYPE_STRING') return typeof value === 'string';
  if (type === 'TYPE_INT32') return Number.isInteger(value) && Math.abs(value as number) <= 0x7fff_ffff;
  return type === 'TYPE_INT64' && Number.isSafeInteger(value);
}

const events: fc.Arbitrary<LifecycleEvent> = fc.record(
  {
    v: fc.constant(1 as const),
    tenant: fc.string(),
    device: fc.string(),
    event: fc.constantFrom('connected' as const, 'disconnected' as const),
    at: fc.maxSafeNat(),
    gateway: fc.string(),
    connection: fc.maxSafeNat(),
    reason: fc.string(),
  },
  { requiredKeys: ['v', 'tenant', 'device', 'event', 'at', 'gateway', 'connection'] },
);

describe('the schema of lifecycle', () => {
  test('fits whatever a gateway may publish, with a reason and without', () => {
    fc.assert(fc.property(events, (event) => misfits(JSON.stringify(event)).length === 0));
  });

  test('demands nothing that an event may leave out, and has a field for all else', () => {
    const mayBeAbsent = [...definition.matchAll(/^ {2}optional \w+ (\w+) =/gm)].map((match) => match[1]);
    expect(mayBeAbsent).toEqual(['reason']);
    const whole: Required<LifecycleEvent> = {
      v: 1,
      tenant: '',
      device: '',
      event: 'connected',
      at: 0,
      gateway: '',
      connection: 0,
      reason: '',
    };
    expect(fields.map((field) => field.name)).toEqual(Object.keys(whole));
  });

  test('refuses what is no such event', () => {
    expect(misfits('{"v":"1","devise":"a"}')).toEqual(['v', 'devise']);
  });

  test("is on that topic alone: telemetry bodies are the devices' own", async () => {
    const recording = await recordComponent({ tier: 'dev' }, (environment, options) => {
      new Messaging('messaging', { environment, pubsubAgent: 'serviceAccount:a@b', after: [] }, options);
      return {};
    });
    expect(only(recording, 'gcp:pubsub/schema:Schema').inputs).toMatchObject({
      name: 'dev-lifecycle-event',
      type: 'PROTOCOL_BUFFER',
      definition,
    });
    const guarded = ofType(recording, 'gcp:pubsub/topic:Topic').filter(
      (topic) => topic.inputs['schemaSettings'] !== undefined,
    );
    expect(guarded.map((topic) => [topic.name, topic.inputs['schemaSettings']])).toEqual([
      ['messaging-lifecycle', { schema: 'projects/iot-dev-1/schemas/dev-lifecycle-event', encoding: 'JSON' }],
    ]);
  });
});
