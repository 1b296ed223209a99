import { encode } from 'cbor-x';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { stateKey } from '../../runtime/platform/cache/keys.ts';
import type { Processor } from '../../runtime/processor/processor.ts';
import { deadLettersOf, newMessageId, rowsOf, type Stand, stand, until } from './harness.ts';

let s: Stand;
let processor: Processor | undefined;
beforeAll(async () => {
  s = await stand();
});
afterEach(async () => {
  await processor?.stop(5_000);
  processor = undefined;
});
afterAll(() => s?.stop());

test('readings of every shape become rows; a bad one goes alone; the newest is in Redis', async () => {
  const namespace = await s.namespace();
  const device = await s.device();
  const { pool } = s.shards.poolFor('main', device);
  processor = s.start(namespace);
  const now = Date.now();
  await s.publish(namespace, [
    { device, body: { ts: now, seq: 4, values: { t: 21.5, on: true, mode: 'a"b\\c\n{}' } } },
    { device, body: encode([{ ts: now - 1_000, values: { t: 1 } }]) },
    {
      device,
      body: [
        { ts: now - 2_000, values: { t: 2 } },
        { ts: 'yesterday', values: { t: 3 } },
        { ts: now + 400_000, values: { t: 4 } },
      ],
    },
    { device, body: Buffer.from('{"t":') },
    { device: 'ghost-1', body: { t: 1 } },
  ]);
  await until('three rows, three dead letters', async () => {
    return (await rowsOf(pool, device)).length === 3 && (await deadLettersOf(pool, device)).length === 3;
  });
  expect((await rowsOf(pool, device)).map((r) => [r.ts, r.seq, r.values])).toEqual([
    [now - 2_000, 0, { t: 2 }],
    [now - 1_000, 0, { t: 1 }],
    [now, 4, { t: 21.5, on: true, mode: 'a"b\\c\n{}' }],
  ]);
  expect((await deadLettersOf(pool, device)).map((d) => d.reason)).toEqual(['clock', 'malformed', 'malformed']);
  const ghost = s.shards.poolFor('main', 'ghost-1').pool;
  await until('dead letter of the unknown device', async () => (await deadLettersOf(ghost, 'ghost-1')).length === 1);
  await until('all acknowledged', () => processor?.status().held === 0);
  expect(await s.cache.redis.hgetall(stateKey('main', device))).toEqual({
    ts: String(now),
    seq: '4',
    payload: JSON.stringify({ t: 21.5, on: true, mode: 'a"b\\c\n{}' }),
  });
});

test('the same message again, the same key with other values, and two stamped in one millisecond', async () => {
  const namespace = await s.namespace();
  const device = await s.device();
  const { pool } = s.shards.poolFor('main', device);
  processor = s.start(namespace);
  const ts = Date.now();
  const again = { device, body: { ts, seq: 1, values: { t: 1 } }, message: newMessageId() };
  await s.publish(namespace, [again]);
  await until('one row', async () => (await rowsOf(pool, device)).length === 1);
  const stamped = { device, received: ts - 5 };
  const twin = { ...stamped, body: { t: 7 }, message: newMessageId() };
  await s.publish(namespace, [
    again,
    { device, body: { ts, seq: 1, values: { t: 1.0 } } },
    { device, body: { ts, seq: 1, values: { t: 2 } } },
    { ...stamped, body: { t: 7 } },
    twin,
    twin,
  ]);
  await until(
    'settled',
    async () => (await deadLettersOf(pool, device)).length === 1 && processor?.status().held === 0,
  );
  const rows = await rowsOf(pool, device);
  expect(rows.map((r) => [r.ts, r.values])).toEqual([
    [ts - 5, { t: 7 }],
    [ts - 5, { t: 7 }],
    [ts, { t: 1 }],
  ]);
  expect(await deadLettersOf(pool, device)).toMatchObject([{ reason: 'conflict' }]);
  const stored = await processor.metrics.stored.get();
  expect(stored.values[0]?.value).toBe(3);
});

test('a reading as old as the retention finds its partition; a reported state is kept', async () => {
  const namespace = await s.namespace();
  const device = await s.device();
  const { pool } = s.shards.poolFor('main', device);
  processor = s.start(namespace);
  const ts = Date.now() - 29 * 86_400_000;
  await s.publish(namespace, [
    { device, body: { ts, values: { t: 1 } } },
    { device, kind: 'state', body: { firmware: { version: '1.2' } } },
  ]);
  await until('row', async () => (await rowsOf(pool, device)).length === 1);
  await until('state', async () => {
    const { rows } = await pool.query('select state from reported_states where device_id = $1', [device]);
    return rows[0]?.state?.firmware?.version === '1.2';
  });
});

test('a row that the store never takes is found by halving and goes alone', async () => {
  const namespace = await s.namespace();
  const device = await s.device();
  const { pool } = s.shards.poolFor('main', device);
  await pool.query(`create or replace function refuse() returns trigger language plpgsql as $$ begin
    if new.values ? 'poison' then raise exception 'poison' using errcode = '22023'; end if; return new; end $$`);
  await pool.query('create trigger refuse before insert on readings for each row execute function refuse()');
  try {
    processor = s.start(namespace, { batchMs: 50 });
    const now = Date.now();
    await s.publish(
      namespace,
      Array.from({ length: 40 }, (_, i) => ({
        device,
        body: { ts: now - i, values: i === 23 ? { poison: 1 } : { t: i } },
      })),
    );
    await until('39 rows', async () => (await rowsOf(pool, device)).length === 39 && processor?.status().held === 0);
    expect(await deadLettersOf(pool, device)).toMatchObject([{ reason: 'rejected' }]);
  } finally {
    await pool.query('drop trigger refuse on readings');
  }
});
