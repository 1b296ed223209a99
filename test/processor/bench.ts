/**
 * Prints what one processor does: rows a second into one database, and CPU a message through the whole path.
 * `node test/processor/bench.ts [store|path]`; nothing asserts on these numbers.
 */
import { once } from 'node:events';
import { cpus } from 'node:os';
import { keepPartitions, makePartitionsFor } from '../../runtime/platform/database/partition-keeper.ts';
import { createPool } from '../../runtime/platform/database/pool.ts';
import type { Row } from '../../runtime/processor/interpret.ts';
import { writeBatch } from '../../runtime/processor/store.ts';
import { quietLog } from '../support/log.ts';
import { testPostgres } from '../support/postgres.ts';
import { newMessageId, stand, until } from './harness.ts';
import { spawnProcessor } from './spawn.ts';

const values = (i: number) => ({
  temperature: 20 + (i % 100) / 10,
  humidity: 40 + (i % 50),
  battery: 3.7,
  door: i % 2 === 0,
  mode: 'auto',
});

console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}`);
if (process.argv[2] !== 'path') await benchStore();
if (process.argv[2] !== 'store') await benchPath();

async function benchStore() {
  const postgres = await testPostgres({
    shards: ['shard_a'],
    settings: { shared_buffers: '256MB', max_wal_size: '4GB' },
  });
  const pool = createPool(
    { name: 'a', url: postgres.urlOf('shard_a'), application: 'bench', max: 4, connectMs: 5_000, statementMs: 20_000 },
    quietLog,
  );
  const now = Date.now();
  await keepPartitions(pool, now, { readings: 30, rollups: 400 }, quietLog);
  const devices = Array.from({ length: 10_000 }, (_, i) => `dev-${String((i * 7_919) % 10_000).padStart(6, '0')}`);
  for (const inFlight of [1, 2]) {
    const total = 120_000;
    const batches: Row[][] = [];
    for (let at = 0; at < total; at += 500)
      batches.push(
        Array.from({ length: 500 }, (_, j) => {
          const i = at + j;
          const ts = now - 60_000 * inFlight + Math.floor(i / 10);
          return {
            tenant: 'main',
            device: devices[i % 10_000] as string,
            ts,
            seq: i,
            json: JSON.stringify(values(i)),
            message: newMessageId(),
            received: ts,
            index: 0,
            stamped: false,
            subfolder: '',
          };
        }),
      );
    const cpu = process.cpuUsage();
    const from = performance.now();
    await Promise.all(
      Array.from({ length: inFlight }, async () => {
        for (let batch = batches.pop(); batch !== undefined; batch = batches.pop())
          await writeBatch(pool, { rows: batch, deadLetters: [], states: [], alertDevices: [] }, makePartitionsFor);
      }),
    );
    const seconds = (performance.now() - from) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    console.log(
      `store: ${inFlight} in flight, batches of 500: ${Math.round(total / seconds)} rows/s, client CPU ${((user + system) / total).toFixed(1)} us/row`,
    );
  }
  await pool.end();
  await postgres.stop();
}

async function benchPath() {
  const s = await stand();
  const namespace = await s.namespace();
  const devices = await Promise.all(Array.from({ length: 200 }, () => s.device()));
  const total = 60_000;
  const now = Date.now();
  await s.publish(
    namespace,
    Array.from({ length: total }, (_, i) => ({
      device: devices[i % devices.length] as string,
      body: { ts: now - 600_000 + i, values: values(i) },
    })),
  );
  const { child, get } = await spawnProcessor(s, namespace);
  const metric = async (name: string) => {
    const text = (await (await get('/metrics'))?.text()) ?? '';
    return Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  };
  const [before, cpu, from] = [
    await metric('iot_processor_readings_stored_total'),
    await metric('process_cpu_seconds_total'),
    performance.now(),
  ];
  await until('all stored', async () => (await metric('iot_processor_readings_stored_total')) >= total, 120_000);
  const seconds = (performance.now() - from) / 1_000;
  const used = (await metric('process_cpu_seconds_total')) - cpu;
  console.log(
    `path: ${total} messages, one reading each, 2 databases: ${Math.round((total - before) / seconds)} msg/s; CPU of the processor ${((used * 1e6) / (total - before)).toFixed(1)} us/msg`,
  );
  child.kill('SIGTERM');
  await once(child, 'exit');
  await s.stop();
}
