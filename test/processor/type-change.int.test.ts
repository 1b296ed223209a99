import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeviceType } from '../../runtime/contracts/device-type.ts';
import { genericDeviceType } from '../../runtime/contracts/device-type.ts';
import { guardedCore } from '../../runtime/devices/database.ts';
import { deviceHandlers } from '../../runtime/devices/handlers.ts';
import { guardStore } from '../../runtime/platform/resilience/store-guard.ts';
import { startChores } from '../../runtime/processor/chores.ts';
import { quietLog } from '../support/log.ts';
import { deadLettersOf, rowsOf, type Stand, stand, until } from './harness.ts';

let s: Stand;
beforeAll(async () => {
  s = await stand();
});
afterAll(() => s?.stop());

test("a change made through the devices service is in force long before a processor's memory is old", async () => {
  const namespace = await s.namespace();
  const processor = s.start(namespace);
  const chores = startChores({
    ...s.own,
    cache: s.cache,
    processor,
    keepDays: { readings: 30, rollups: 400, resolvedLetters: 30 },
    log: quietLog,
  });
  const handlers = deviceHandlers({
    core: guardedCore(s.core, guardStore({ name: 'core', concurrent: 8 }, quietLog)),
    cache: s.cache,
    claimKey: undefined,
    issuance: undefined as never,
    clock: Date.now,
  });
  const asked = {
    caller: { service: 'api' as const, tenant: 'main', subject: 'test', scopes: new Set<string>() },
    trace: '0'.repeat(32),
    log: quietLog,
    signal: new AbortController().signal,
    query: {} as never,
    headers: {} as never,
  };
  const put = (type: DeviceType) => handlers.putDeviceType({ ...asked, params: { typeId: type.id }, body: type });
  const device = 'dev-changing';
  const { pool } = s.shards.poolFor('main', device);
  let seq = 0;
  /** Sends readings until one is stored as `values`; 20 s at most, and a type is remembered for 30 s. */
  const untilStoredAs = (values: object) =>
    until(JSON.stringify(values), async () => {
      await s.publish(namespace, [{ device, body: { ts: Date.now(), seq: seq++, values: { t: 1 } } }]);
      const rows = await rowsOf(pool, device);
      return JSON.stringify(rows.at(-1)?.values) === JSON.stringify(values);
    });
  try {
    await s.publish(namespace, [{ device, body: { t: 1 } }]);
    await until('refused as unknown', async () => (await deadLettersOf(pool, device))[0]?.reason === 'unknown-device');
    const body = { id: device, name: device, type: 'generic', tags: [] };
    await handlers.createDevice({ ...asked, params: undefined, body });
    await untilStoredAs({ t: 1 });
    await put({ ...genericDeviceType, id: 'doubling', transform: { t: 'values.t * 2' } });
    await handlers.updateDevice({ ...asked, params: { deviceId: device }, body: { type: 'doubling' } });
    await untilStoredAs({ t: 2 });
    await put({ ...genericDeviceType, id: 'doubling', transform: { t: 'values.t * 3' } });
    await untilStoredAs({ t: 3 });
    const unknown = (await deadLettersOf(pool, device)).map((letter) => letter.reason);
    expect(new Set(unknown)).toEqual(new Set(['unknown-device']));
  } finally {
    await chores.stop();
    await processor.stop(5_000);
  }
}, 90_000);
