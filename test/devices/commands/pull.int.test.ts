import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expireCommands, forgetCommands } from '../../../runtime/devices/commands/chores.ts';
import { sendCommand } from '../../../runtime/devices/commands/send.ts';
import { type Core, guardedCore } from '../../../runtime/devices/database.ts';
import { compactDeliveries, deliveryChangesAfter } from '../../../runtime/devices/deliveries/changes.ts';
import { pullDeliveries, receiveCommands } from '../../../runtime/devices/deliveries/pull.ts';
import { twinDocuments } from '../../../runtime/devices/twin/documents.ts';
import { openDocuments } from '../../../runtime/platform/documents/open.ts';
import { guardStore } from '../../../runtime/platform/resilience/store-guard.ts';
import { quietLog } from '../../support/log.ts';
import { testPool } from '../../support/pool.ts';
import { type TestPostgres, testPostgres } from '../../support/postgres.ts';

let postgres: TestPostgres;
let pool: pg.Pool;
let owner: pg.Pool;
let core: Core;
beforeAll(async () => {
  postgres = await testPostgres({ shards: ['shard_a'] });
  owner = testPool(postgres.core);
  pool = testPool(postgres.as('devices').core);
  core = guardedCore(pool, guardStore({ name: 'core', concurrent: 64 }, quietLog));
}, 60_000);
afterAll(async () => {
  await Promise.all([pool?.end(), owner?.end()]);
  await postgres?.stop();
});

const actor = { tenant: 'main', subject: 'tester@example.com', trace: 'a'.repeat(32) };
const start = Date.now();
let number = 0;
async function newDevice(): Promise<string> {
  const id = `pull-${++number}`;
  await core.query("insert into devices (tenant, id, name, type) values ('main', $1, $1, 'generic')", [id]);
  return id;
}
const send = async (device: string, name: string, timeoutSeconds = 600, now = start) =>
  (await sendCommand(core, actor, { device, command: { name, timeoutSeconds }, key: undefined, now })).row;
async function pull(device: string, connection: number, now: number, commands = 8) {
  const twins = twinDocuments(openDocuments({ IOT_DOCUMENTS: 'postgres' }, pool));
  const ask = { tenant: 'main', device, connection, config: null, commands };
  const [delivery] = (await pullDeliveries({ core, twins }, [ask], now)).devices;
  return { names: delivery?.commands.map(({ name }) => name), more: delivery?.more };
}

it('gives each command once a connection, again without a PUBACK in time, and to a newer connection at once', async () => {
  const device = await newDevice();
  const first = await send(device, 'first');
  await send(device, 'second');
  expect(await pull(device, 10, start + 1)).toEqual({ names: ['first', 'second'], more: false });
  expect(await pull(device, 10, start + 2)).toEqual({ names: [], more: false });
  expect(await pull(device, 10, start + 29_000)).toMatchObject({ names: [] });
  await receiveCommands(core, { commands: [{ tenant: 'main', device, id: first.id }] }, start + 3);
  expect(await pull(device, 10, start + 31_000)).toMatchObject({ names: ['second'] });
  expect(await pull(device, 11, start + 32_000)).toMatchObject({ names: ['first', 'second'] });
  // The gateway of the connection before has not noticed yet.
  expect(await pull(device, 10, start + 90_000)).toMatchObject({ names: [] });
});

it('says that there is more, keeps the order, and gives nothing after the deadline', async () => {
  const device = await newDevice();
  for (const name of ['a', 'b', 'c']) await send(device, name);
  await send(device, 'short', 5);
  expect(await pull(device, 10, start + 1, 2)).toEqual({ names: ['a', 'b'], more: true });
  expect(await pull(device, 10, start + 2, 0)).toEqual({ names: [], more: false });
  expect(await pull(device, 10, start + 5_000, 2)).toEqual({ names: ['c'], more: false });
});

it('of two gateways that ask at the same time the newer connection has it in the end', async () => {
  const device = await newDevice();
  await send(device, 'one');
  const answers = await Promise.all([10, 12, 11].map((connection) => pull(device, connection, start + 1)));
  expect(answers[1]?.names).toEqual(['one']);
  expect(await pull(device, 11, start + 60_000)).toMatchObject({ names: [] });
});

it('ends what is overdue after a grace, and forgets what ended long ago', async () => {
  const device = await newDevice();
  const { id } = await send(device, 'old', 10);
  const ended = async (now: number) => {
    const { ended } = await expireCommands(core, now);
    return ended.filter((row) => row.id === id).map(({ status }) => status);
  };
  expect(await ended(start + 14_000)).toEqual([]);
  expect(await ended(start + 15_001)).toEqual(['expired']);
  expect(await ended(start + 15_002)).toEqual([]);
  expect(await forgetCommands(core)).toBe(0);
  await owner.query("update commands set finished_at = now() - interval '31 days' where id = $1", [id]);
  expect(await forgetCommands(core)).toBe(1);
});

it('the list of changes is whole, or says that it is not', async () => {
  const before = (await deliveryChangesAfter(core, undefined, 1)).version;
  const device = await newDevice();
  for (let n = 0; n < 3; n++) await send(device, `n-${n}`);
  const page = await deliveryChangesAfter(core, before, 2);
  expect(page).toEqual({
    version: before + 2,
    complete: true,
    more: true,
    changes: Array(2).fill({ tenant: 'main', device }),
  });
  expect(await deliveryChangesAfter(core, before + 3, 2)).toMatchObject({
    version: before + 3,
    complete: true,
    changes: [],
  });
  expect(await deliveryChangesAfter(core, before + 99, 2)).toMatchObject({ version: before + 3, complete: false });
  await owner.query("update delivery_changes set at = now() - interval '2 hours'");
  await compactDeliveries(core);
  expect(await deliveryChangesAfter(core, before, 2)).toMatchObject({ version: before + 3, complete: false });
  await send(device, 'after');
  expect(await deliveryChangesAfter(core, before + 3, 2)).toMatchObject({ version: before + 4, complete: true });
});
