import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { DeviceType } from '../../runtime/contracts/device-type.ts';
import { liveChannel } from '../../runtime/platform/cache/keys.ts';
import { runRules, sweepSilence } from '../../runtime/processor/alert-worker.ts';
import { startChores } from '../../runtime/processor/chores.ts';
import type { Processor } from '../../runtime/processor/processor.ts';
import { quietLog } from '../support/log.ts';
import { Crash, faultyPool } from './faulty-pool.ts';
import { rowsOf, type Stand, stand, until } from './harness.ts';

const thermostat = DeviceType.parse({
  id: 'thermostat',
  metrics: { t: { type: 'number' } },
  alerts: [
    { kind: 'threshold', id: 'hot', metric: 't', operator: '>', value: 30, severity: 'critical' },
    { kind: 'silence', id: 'quiet', seconds: 60 },
  ],
});

let s: Stand;
let processor: Processor | undefined;
let stopChores: (() => Promise<void>) | undefined;
beforeAll(async () => {
  s = await stand();
});
afterEach(async () => {
  await stopChores?.();
  await processor?.stop(5_000);
  processor = undefined;
  stopChores = undefined;
});
afterAll(() => s?.stop());

const rulesOf = async (devices: readonly (readonly [string, string])[]) =>
  new Map(devices.map((d) => [`${d[0]}/${d[1]}`, thermostat.alerts]));

async function alertsOf(device: string) {
  const { rows } = await s.shards
    .poolFor('main', device)
    .pool.query('select rule, closed_at is null as open from alerts where device_id = $1 order by opened_at, rule', [
      device,
    ]);
  return rows.map((row) => `${row.rule} ${row.open ? 'open' : 'closed'}`);
}

test('a crossing opens an alert and tells who watches; coming back closes it; a late reading changes nothing', async () => {
  const namespace = await s.namespace();
  const device = await s.device(thermostat);
  processor = s.start(namespace);
  const news: { type: string; alert?: string; state?: string }[] = [];
  const unsubscribe = s.cache.subscribe(liveChannel('main'), { onMessage: (text) => news.push(...JSON.parse(text)) });
  const chores = startChores({
    ...s.own,
    cache: s.cache,
    processor,
    keepDays: { readings: 30, rollups: 400, resolvedLetters: 30 },
    log: quietLog,
  });
  stopChores = chores.stop;
  const now = Date.now();
  const send = (ts: number, t: number) => s.publish(namespace, [{ device, body: { ts, values: { t } } }]);
  await send(now - 10_000, 20);
  await send(now - 9_000, 31);
  await until('open', async () => (await alertsOf(device)).join() === 'hot open');
  await send(now - 8_000, 32);
  await send(now - 9_500, 20);
  await until('stored', async () => (await rowsOf(s.shards.poolFor('main', device).pool, device)).length === 4);
  await send(now - 7_000, 29);
  await until('closed', async () => (await alertsOf(device)).join() === 'hot closed');
  await until('told', () => news.filter((n) => n.type === 'alert').length === 2);
  expect(news.filter((n) => n.type === 'alert').map((n) => [n.alert, n.state])).toEqual([
    ['hot', 'open'],
    ['hot', 'closed'],
  ]);
  unsubscribe();
});

test('a crash at any statement opens nothing twice and forgets nothing', async () => {
  const namespace = await s.namespace();
  const device = await s.device(thermostat);
  const { pool } = s.own.shards.poolFor('main', device);
  processor = s.start(namespace);
  const now = Date.now();
  let crashes = 0;
  for (let at = 0; at < 10; at++) {
    for (const when of ['before', 'after'] as const) {
      const ts = now - 100_000 + at * 2_000 + (when === 'after' ? 1_000 : 0);
      await s.publish(namespace, [
        { device, body: { ts, values: { t: 31 } } },
        { device, body: { ts: ts + 1, values: { t: 20 } } },
      ]);
      await until('stored', async () => (await rowsOf(pool, device)).length === at * 4 + (when === 'after' ? 4 : 2));
      await until('acknowledged', () => processor?.status().held === 0);
      try {
        await runRules(faultyPool(pool, at, when), rulesOf);
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        crashes++;
      }
      // A connection that was cut off may hold the worker's lock for a moment more.
      await until('the rules have run', async () => {
        await runRules(pool, rulesOf);
        return (await pool.query('select from alert_pending limit 1')).rowCount === 0;
      });
    }
  }
  expect(crashes).toBeGreaterThan(14);
  // Of the first pair only the newest reading was looked at: a device's past is no news. Each later pair is one alert.
  expect(await alertsOf(device)).toEqual(Array.from({ length: 19 }, () => 'hot closed'));
});

test('silence by the clock: opens once, any reading closes it', async () => {
  const namespace = await s.namespace();
  const device = await s.device(thermostat);
  const { pool } = s.own.shards.poolFor('main', device);
  processor = s.start(namespace);
  await s.publish(namespace, [{ device, body: { t: 20 } }]);
  await until('stored', async () => (await rowsOf(pool, device)).length === 1);
  await until('looked at', async () => {
    await runRules(pool, rulesOf);
    return (await pool.query('select 1 from alert_states where device_id = $1', [device])).rowCount === 1;
  });
  await sweepSilence(pool, rulesOf, Date.now() + 50_000);
  expect(await alertsOf(device)).toEqual([]);
  await sweepSilence(pool, rulesOf, Date.now() + 61_000);
  await sweepSilence(pool, rulesOf, Date.now() + 99_000);
  expect(await alertsOf(device)).toEqual(['quiet open']);
  await s.publish(namespace, [{ device, body: { t: 20 } }]);
  await until('closed', async () => {
    await runRules(pool, rulesOf);
    return (await alertsOf(device)).join() === 'quiet closed';
  });
});

test('a type that changes is in force within a minute, at once when told', async () => {
  const namespace = await s.namespace();
  const type = DeviceType.parse({ id: 'meter', metrics: {} });
  const device = await s.device(type);
  const { pool } = s.shards.poolFor('main', device);
  processor = s.start(namespace);
  await s.publish(namespace, [{ device, body: { kwh: -1 } }]);
  await until('stored', async () => (await rowsOf(pool, device)).length === 1);
  const stricter = { ...type, metrics: { kwh: { type: 'number', min: 0, required: false } } };
  await s.core.query("update device_types set definition = $1, version = version + 1 where id = 'meter'", [stricter]);
  processor.types.forget('main');
  await s.publish(namespace, [{ device, body: { kwh: -2 } }]);
  await until('refused', async () => {
    const { rows } = await pool.query('select reason from dead_letters where device_id = $1', [device]);
    return rows[0]?.reason === 'schema';
  });
});
