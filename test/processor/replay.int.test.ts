import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { genericDeviceType } from '../../runtime/contracts/device-type.ts';
import { stateKey } from '../../runtime/platform/cache/keys.ts';
import { startChores } from '../../runtime/processor/chores.ts';
import { quietLog } from '../support/log.ts';
import { deadLettersOf, rowsOf, type Stand, stand, until } from './harness.ts';
import { spawnProcessor } from './spawn.ts';

let s: Stand;
const children = new Set<ChildProcess>();
const stops: (() => Promise<void>)[] = [];
beforeAll(async () => {
  s = await stand();
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  for (const stop of stops.splice(0)) await stop();
});
afterAll(() => s?.stop());

const strict = {
  ...genericDeviceType,
  id: 'strict',
  metrics: { t: { type: 'number' as const, required: false, max: 100 } },
};
const poolOf = (device: string) => s.shards.poolFor('main', device).pool;

/** The processor in this process, with its chores. */
function start(namespace: string) {
  const processor = s.start(namespace);
  const chores = startChores({
    ...s.own,
    cache: s.cache,
    processor,
    keepDays: { readings: 30, rollups: 400, resolvedLetters: 30 },
    log: quietLog,
  });
  stops.push(async () => {
    await chores.stop();
    await processor.stop(5_000);
  });
  return processor;
}
async function spawned(namespace: string) {
  const { child } = await spawnProcessor(s, namespace);
  children.add(child);
  return child;
}
/** What the telemetry service does when somebody asks for a replay. */
const ask = (device: string, edited?: string) =>
  poolOf(device).query(
    `update dead_letters set status = 'replaying', version = version + 1, changed_at = now(),
       edited = coalesce(convert_to($2, 'UTF8'), edited) where device_id = $1 and status in ('open', 'discarded')`,
    [device, edited ?? null],
  );
const lettersOf = async (device: string) => {
  const { rows } = await poolOf(device).query<{
    id: string;
    status: string;
    reason: string;
    detail: string;
    attempts: number;
    payload: Buffer;
    outcome: unknown;
  }>(
    'select id, status, reason, detail, attempts, payload, outcome from dead_letters where device_id = $1 order by id',
    [device],
  );
  return rows;
};
const settled = (device: string) =>
  until('the letters are settled', async () => (await lettersOf(device)).every((one) => one.status !== 'replaying'));
const strictDevice = () => s.device(strict);

test('a mended reading becomes one row, the newest state and nothing on the bus; asked for again, it stays one row', async () => {
  const namespace = await s.namespace();
  const processor = start(namespace);
  const device = await strictDevice();
  const ts = Date.now();
  await s.publish(namespace, [{ device, body: { ts, values: { t: 500 } } }]);
  await until('a dead letter', async () => (await lettersOf(device)).length === 1);
  await ask(device, `{"ts":${ts},"values":{"t":50}}`);
  await settled(device);
  expect(await lettersOf(device)).toMatchObject([
    { status: 'replayed', attempts: 1, outcome: { result: 'stored', stored: 1, duplicates: 0 } },
  ]);
  expect((await lettersOf(device))[0]?.payload.toString()).toContain('500');
  expect((await rowsOf(poolOf(device), device)).map((row) => row.values)).toEqual([{ t: 50 }]);
  await until('the newest state', async () =>
    /^\{"t": ?50\}$/.test((await s.cache.redis.hget(stateKey('main', device), 'payload')) ?? ''),
  );
  // The telemetry topic has other readers; they must not see it.
  expect((await processor.metrics.received.get()).values[0]?.value).toBe(1);
  await poolOf(device).query("update dead_letters set status = 'replaying', changed_at = now() where device_id = $1", [
    device,
  ]);
  await settled(device);
  expect(await lettersOf(device)).toMatchObject([{ status: 'replayed', outcome: { stored: 0, duplicates: 1 } }]);
  expect(await rowsOf(poolOf(device), device)).toHaveLength(1);
});

test('what fails again updates its own letter, with the new reason; nothing else is bred', async () => {
  const namespace = await s.namespace();
  start(namespace);
  const device = await strictDevice();
  const now = Date.now();
  await s.publish(namespace, [
    { device, body: { ts: now, seq: 1, values: { t: 1 } } },
    { device, body: '{"t":' },
    { device, body: { ts: now, seq: 2, values: { t: 500 } } },
  ]);
  await until('two letters', async () => (await lettersOf(device)).length === 2);
  const before = await lettersOf(device);
  await ask(device, `{"ts":${now},"seq":1,"values":{"t":2}}`);
  await settled(device);
  const after = await lettersOf(device);
  expect(after.map((one) => one.id)).toEqual(before.map((one) => one.id));
  expect(after).toMatchObject([
    { status: 'open', reason: 'conflict', attempts: 1, outcome: { result: 'failed' } },
    { status: 'open', reason: 'conflict', attempts: 1 },
  ]);
  expect(await rowsOf(poolOf(device), device)).toHaveLength(1);
});

test('a batch with good, bad, poisonous and repeated letters: acknowledged = rows + letters that are open', async () => {
  const namespace = await s.namespace();
  const processor = start(namespace);
  const device = await strictDevice();
  const pool = poolOf(device);
  await pool.query(`create or replace function refuse_poison() returns trigger language plpgsql as $$ begin
    if new.values ? 'poison' then raise exception 'poison' using errcode = '22023'; end if; return new; end $$`);
  await pool.query(
    'create trigger refuse_poison before insert on readings for each row execute function refuse_poison()',
  );
  try {
    const now = Date.now();
    const total = 60;
    await s.publish(
      namespace,
      Array.from({ length: total }, (_, i) => ({
        device,
        body: { ts: now - i, values: { t: 500, ...(i % 10 === 0 ? { poison: 1 } : {}) } },
      })),
    );
    await until('all are letters', async () => (await lettersOf(device)).length === total);
    await s.core.query(
      "update device_types set version = version + 1, definition = definition || '{\"metrics\":{}}' where id = 'strict'",
    );
    processor.types.forget('main');
    await until(
      'the type is in force',
      async () => {
        await ask(device);
        await settled(device);
        return (await lettersOf(device)).filter((one) => one.status === 'replayed').length === total - 6;
      },
      90_000,
    );
    const open = (await lettersOf(device)).filter((one) => one.status === 'open');
    expect(new Set(open.map((one) => one.reason))).toEqual(new Set(['rejected']));
    expect((await rowsOf(pool, device)).length + open.length).toBe(total);
  } finally {
    await pool.query('drop trigger refuse_poison on readings');
    await s.core.query('update device_types set version = version + 1, definition = $1 where id = $2', [
      strict,
      'strict',
    ]);
  }
}, 120_000);

/** The processor is stopped for good at a step of the replay: a trigger waits there for a lock that the test holds. */
const steps = {
  'before the readings are stored': ['readings', 'before insert'],
  'after the readings, before the letter': ['dead_letters', 'before update'],
  'after the letter, before the commit': ['dead_letters', 'after update'],
} as const;
test.each(Object.keys(steps) as (keyof typeof steps)[])(
  'killed with -9 %s: one row, one letter',
  async (step) => {
    const [table, when] = steps[step];
    const namespace = await s.namespace();
    const device = await strictDevice();
    const pool = poolOf(device);
    const ts = Date.now();
    const first = await spawned(namespace);
    await s.publish(namespace, [{ device, body: { ts, values: { t: 500 } } }]);
    await until('a dead letter', async () => (await lettersOf(device)).length === 1);
    const holder = await pool.connect();
    await holder.query('select pg_advisory_lock(42)');
    await pool.query(`create or replace function wait_here() returns trigger language plpgsql as $$ begin
    if current_user like 'test-processor%' then perform pg_advisory_xact_lock_shared(42); end if;
    return new; end $$`);
    await pool.query(`create trigger wait_here ${when} on ${table} for each row execute function wait_here()`);
    try {
      await ask(device, `{"ts":${ts},"values":{"t":50}}`);
      await until('the processor is at the step', async () => {
        const { rows } = await pool.query(
          "select 1 from pg_stat_activity where wait_event_type = 'Lock' and wait_event = 'advisory'",
        );
        return rows.length > 0;
      });
      first.kill('SIGKILL');
      await once(first, 'exit');
    } finally {
      await holder.query('select pg_advisory_unlock(42)');
      holder.release();
    }
    await pool.query(`drop trigger wait_here on ${table}`);
    await spawned(namespace);
    await settled(device);
    expect(await lettersOf(device)).toMatchObject([{ status: 'replayed' }]);
    expect(await rowsOf(pool, device)).toHaveLength(1);
    expect((await rowsOf(pool, device))[0]?.values).toEqual({ t: 50 });
  },
  120_000,
);

test('what can never succeed is a dead letter at its first delivery', async () => {
  const namespace = await s.namespace();
  const processor = s.start(namespace);
  const device = await strictDevice();
  const bodies = ['{"t":', { ts: 'yesterday', values: { t: 1 } }, { t: 900 }, { ts: 5, values: { t: 1 } }, []];
  await s.publish(namespace, [...bodies.map((body) => ({ device, body })), { device: 'ghost-2', body: { t: 1 } }]);
  await until('letters of all', async () => (await deadLettersOf(poolOf(device), device)).length === bodies.length);
  await until('all acknowledged', () => processor.status().held === 0);
  expect((await processor.metrics.received.get()).values[0]?.value).toBe(bodies.length + 1);
  // What was not acknowledged for good would come to the next processor before a message that is newer.
  await processor.stop(5_000);
  const next = s.start(namespace);
  stops.push(() => next.stop(5_000));
  await s.publish(namespace, [{ device, body: { ts: Date.now(), values: { t: 1 } } }]);
  await until('the newer one', async () => (await rowsOf(poolOf(device), device)).length === 1);
  expect((await next.metrics.received.get()).values[0]?.value).toBe(1);
});
