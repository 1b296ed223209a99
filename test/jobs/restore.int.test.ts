import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Values } from '../../runtime/contracts/telemetry.ts';
import { ensureBus } from '../../runtime/platform/bus/ensure.ts';
import type { Processor } from '../../runtime/processor/processor.ts';
import { hashValues } from '../../runtime/simulator/ledger.ts';
import { newMessageId, type Outgoing, type Stand, stand, until } from '../processor/harness.ts';
import { takeAway } from '../support/database-away.ts';
import { testPool } from '../support/pool.ts';

/** The drill of docs/how-to/restore.md in small: a copy of the database stands for the clone of a point in time. */
let s: Stand;
let admin: pg.Pool;
let processor: Processor | undefined;
beforeAll(async () => {
  s = await stand();
  admin = testPool(s.postgres.urlOf('postgres'), 1);
});
afterAll(async () => {
  await processor?.stop(5_000);
  await admin?.end();
  await s?.stop();
});

type Entry = `${string} ${number} ${number} ${string}`;
const entry = (device: string, ts: number, seq: number, values: Values): Entry =>
  `${device} ${ts} ${seq} ${hashValues(values)}`;

async function storedOf(devices: readonly string[]): Promise<Entry[]> {
  const found: Entry[] = [];
  for (const name of s.shards.names()) {
    const { rows } = await s.shards
      .pool(name)
      .query('select device_id, ts, seq, values from readings where device_id = any($1)', [devices]);
    found.push(...rows.map((row) => entry(row.device_id, row.ts.getTime(), Number(row.seq), row.values)));
  }
  return found.sort();
}

test('a database restored to T, and its subscription sought to before T: every acknowledged reading is one row again', async () => {
  const namespace = `t${newMessageId().slice(0, 8)}`;
  // As infra/messaging makes it: what was acknowledged can be had again.
  await s.bus.pubsub.createTopic({
    name: s.bus.topicPath(namespace, 'telemetry'),
    messageRetentionDuration: { seconds: 3_600 },
  });
  await ensureBus(s.bus, namespace);
  const devices = [await s.deviceIn('shard_a'), await s.deviceIn('shard_a'), await s.deviceIn('shard_b')];
  const ledger: Entry[] = [];
  const start = Date.now() - 60_000;
  let seq = 0;
  const publish = async (count: number) => {
    const messages: Outgoing[] = [];
    for (let i = 0; i < count; i++)
      for (const device of devices) {
        const [ts, values] = [start + seq, { temperature: seq++ / 10 }];
        messages.push({ device, body: { ts, seq, values } });
        ledger.push(entry(device, ts, seq, values));
      }
    await s.publish(namespace, messages);
  };
  const allStored = () => until('all stored', async () => (await storedOf(devices)).length === ledger.length);

  processor = s.start(namespace);
  await publish(200);
  await allStored();
  // T: nothing is under way, so that the copy is what a restore to this moment gives.
  await copyOf('shard_a', 'shard_a_at_t');
  await publish(200);
  await allStored();

  // The disaster, and the restore: the processor stands still meanwhile.
  await processor.stop(5_000);
  const back = await takeAway(s.postgres, 'shard_a');
  await admin.query('drop database shard_a');
  await admin.query('alter database shard_a_at_t rename to shard_a');
  await admin.query('alter database shard_a with allow_connections true');
  await back();
  const lost = ledger.length - (await storedOf(devices)).length;
  expect(lost).toBe(400);

  await s.bus.subscriber.seek({
    subscription: s.bus.subscriptionPath(namespace, 'telemetry-processor'),
    time: { seconds: Math.floor(start / 1_000) },
  });
  processor = s.start(namespace);
  await allStored();
  // Everything came twice to shard_b and half of it to shard_a: it was known, and is neither a row nor a dead letter.
  await until('the replay is over', () => processor?.status().caughtUp === true);
  expect(await storedOf(devices)).toEqual(ledger.sort());
  for (const name of s.shards.names()) {
    const { rows } = await s.shards
      .pool(name)
      .query('select reason from dead_letters where device_id = any($1)', [devices]);
    expect(rows).toEqual([]);
  }
});

async function copyOf(database: string, copy: string): Promise<void> {
  await admin.query(`alter database ${database} with allow_connections false`);
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [database]);
  await until('nobody is connected', async () => {
    const { rows } = await admin.query('select from pg_stat_activity where datname = $1', [database]);
    return rows.length === 0;
  });
  await admin.query(`create database ${copy} template ${database}`);
  await admin.query(`alter database ${database} with allow_connections true`);
}
