import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Command, CommandJob } from '../../runtime/contracts/http/commands.ts';
import type { DesiredState, Twin } from '../../runtime/contracts/http/twins.ts';
import { type DeliveryStand, deliveryStand, type TestDevice, until } from './stand.ts';

/** Every part dies while something is on its way; what the API has answered with 2xx comes to its device. */
let s: DeliveryStand;
let number = 0;
beforeAll(async () => {
  s = await deliveryStand();
}, 90_000);
afterAll(() => s?.stop());

async function newDevice(more: Record<string, unknown> = {}): Promise<string> {
  const id = `fault-${++number}`;
  await s.register(id, more);
  return id;
}
const send = (device: string, name: string, payload: unknown = null) =>
  s.call<Command>('POST', `/v1/devices/${device}/commands`, { name, payload });
const put = (device: string, document: unknown) =>
  s.call<DesiredState>('PUT', `/v1/devices/${device}/twin/desired`, document);
const statusOf = async (device: string, id: string) =>
  (await s.call<Command>('GET', `/v1/devices/${device}/commands/${id}`)).body.status;
const newestConfig = (device: TestDevice) => device.configs().at(-1)?.body['version'];

test('a gateway is killed with a command unanswered: the other one delivers it again, with the desired state', async () => {
  const id = await newDevice();
  const first = await s.connect(id, 0);
  const { body: command } = await send(id, 'reboot');
  await until('first delivery', () => first.commands().length === 1);
  await s.gateways[0]?.kill();
  await put(id, { n: 1 });
  await send(id, 'second');
  const second = await s.connect(id, 1, { answer: true });
  await until('both', () => second.commands().length === 2 && second.configs().length === 1);
  expect(second.commands().map(({ body }) => body['id'])[0]).toBe(command.id);
  await until('answered', async () => (await statusOf(id, command.id)) === 'succeeded');
  await s.gateways[0]?.start();
});

test('a device moves between gateways while commands come: each is answered, none by a connection that is over', async () => {
  const id = await newDevice();
  const sent: string[] = [];
  const devices: TestDevice[] = [];
  for (let round = 0; round < 6; round++) {
    devices.push(await s.connect(id, round % 2, { answer: true }));
    for (let n = 0; n < 3; n++) sent.push((await send(id, 'step', sent.length)).body.id);
  }
  await until('all answered', async () => {
    const { rows } = await s.core.query("select 1 from commands where device_id = $1 and status = 'succeeded'", [id]);
    return rows.length === sent.length;
  });
  const seen = new Set(devices.flatMap((device) => device.commands().map(({ body }) => body['id'])));
  expect(sent.every((each) => seen.has(each))).toBe(true);
  // A command that came twice came on two connections; on one connection their order holds.
  for (const device of devices) {
    const order = device.commands().map(({ body }) => body['payload'] as number);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(new Set(order).size).toBe(order.length);
  }
});

test('Redis is emptied under load, then killed: what is sent meanwhile comes by the list of changes', async () => {
  const ids = await Promise.all(Array.from({ length: 10 }, () => newDevice()));
  const devices = await Promise.all(ids.map((id, i) => s.connect(id, i % 2, { answer: true })));
  let stop = false;
  let version = 0;
  const load = (async () => {
    while (!stop) {
      version++;
      await Promise.all(ids.map((id) => put(id, { n: version })));
      await Promise.all(ids.map((id) => send(id, 'tick', version)));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  await until('under way', () => devices.every((device) => device.commands().length > 1));
  for (let n = 0; n < 3; n++) {
    await s.cache.redis.flushall();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  stop = true;
  await load;
  await s.redis.kill();
  await Promise.all(ids.map((id) => put(id, { n: 'redis is away' })));
  const changedAt = Date.now();
  await Promise.all(ids.map((id) => send(id, 'away')));
  await until('all have it', () => devices.every((device) => newestConfig(device) === version + 1));
  // Two seconds by the list; the rest is for a busy machine.
  expect(Date.now() - changedAt).toBeLessThan(30_000);
  await until('every command is answered', async () => {
    const { rows } = await s.core.query(
      "select 1 from commands where device_id = any($1) and status <> 'succeeded' limit 1",
      [ids],
    );
    return rows.length === 0;
  });
  for (const device of devices) {
    const order = device.commands().map(({ body }) => body['payload']);
    expect(order).toEqual([...Array.from({ length: version }, (_, n) => n + 1), null]);
  }
  await s.redis.start();
});

test('the devices service is killed between a change and its word, and while a bulk job is at work', async () => {
  const ids = await Promise.all(Array.from({ length: 30 }, () => newDevice({ tags: ['bulk-fault'] })));
  const [id = ''] = ids;
  const devices = await Promise.all(ids.slice(0, 6).map((each, i) => s.connect(each, i % 2, { answer: true })));
  const made = await s.call<CommandJob>('POST', '/v1/command-jobs', { name: 'bulk', tag: 'bulk-fault' });
  const change = put(id, { n: 1 }).catch(() => undefined); // it may die with its answer
  await s.devices.kill();
  await change;
  await s.devices.start();
  const job = async () => (await s.call<CommandJob>('GET', `/v1/command-jobs/${made.body.id}`)).body;
  await until('job made all', async () => (await job()).commands === 30);
  await until('six answered', async () => (await job()).counts.succeeded === 6);
  const { rows } = await s.core.query('select count(*)::int as n from commands where job_id = $1', [made.body.id]);
  expect(rows[0].n).toBe(30);
  for (const device of devices) expect(device.commands().length).toBeGreaterThanOrEqual(1);
  // Whatever was left of the change: what the twin says is what the device gets.
  await put(id, { n: 2 });
  const { desired } = (await s.call<Twin>('GET', `/v1/devices/${id}/twin`)).body;
  await until('config', () => newestConfig(devices[0] as TestDevice) === desired.version);
});

test('an intent that a dead process left is finished: told, with its audit line, once', async () => {
  const id = await newDevice();
  await put(id, { n: 1 });
  const device = await s.connect(id, 0);
  await until('first', () => newestConfig(device) === 1);
  // As a process leaves it that dies after the document and before the word: version 2 stands, nobody was told.
  const change = '018f0000-0000-7000-8000-000000000001';
  await s.core.query(
    `update documents set value = '{"n":2}', fields = fields || jsonb_build_object('version', '2', 'change', $2::text),
       version = version + 1 where collection = 'twin-desired' and id = $1`,
    [id, change],
  );
  await s.core.query(
    `insert into twin_intents (tenant, device_id, id, subject, trace, before, after, at)
     values ('main', $1, $2, 'operator@example.com', repeat('a', 32), '{"version":1}', '{"version":2}', now() - interval '1 minute'),
            ('main', $1, gen_random_uuid(), 'loser@example.com', repeat('b', 32), '{}', '{}', now() - interval '1 minute')`,
    [id, change],
  );
  await until('second', () => newestConfig(device) === 2);
  await until('no intent', async () => (await s.core.query('select 1 from twin_intents')).rowCount === 0);
  const { rows } = await s.core.query(
    "select subject, after->>'version' as version from audit_log where action = 'twin.desired' and target = $1 order by id",
    [id],
  );
  expect(rows).toEqual([
    { subject: 'operator@example.com', version: '1' },
    { subject: 'operator@example.com', version: '2' },
  ]);
});
