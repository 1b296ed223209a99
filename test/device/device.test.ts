import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createDevice, type DeviceOptions } from '../../runtime/device/device.ts';
import type { DeviceReading } from '../../runtime/device/reading.ts';
import { fakeClock } from './support/fake-clock.ts';
import { fakeGateway, turn } from './support/fake-gateway.ts';

function setup(more: Partial<DeviceOptions> = {}) {
  const time = fakeClock();
  const gateway = fakeGateway();
  const heard = { problems: [] as string[], acked: [] as DeviceReading[], dropped: [] as DeviceReading[] };
  const device = createDevice({
    id: 'dev-001',
    mqtt: { host: 'gateway', port: 8883 },
    key: '',
    cert: '',
    ca: '',
    clock: time.clock,
    random: () => 0.999_999,
    open: gateway.open,
    onProblem: (problem) => heard.problems.push(problem),
    onAck: (reading) => heard.acked.push(reading),
    onDrop: (readings) => heard.dropped.push(...readings),
    ...more,
  });
  return { device, time, gateway, heard };
}
const temp = (t: number) => ({ temperature: t });

test('readings reported before the connection are sent in order once it is there', async () => {
  const { device, gateway, heard } = setup();
  const reported = [1, 2, 3].map((t) => device.report(temp(t)));
  device.start();
  const session = await gateway.last().accept();
  expect(session.messages.map((m) => m.readings[0])).toEqual(reported);
  for (const m of session.messages) m.ack();
  expect(heard.acked).toEqual(reported);
  expect(device.stats).toMatchObject({ reported: 3, acknowledged: 3, waiting: 0, resent: 0 });
});

test('a reading whose acknowledgement was lost is sent again with the same ts and seq', async () => {
  const { device, gateway, time } = setup();
  device.start();
  const first = await gateway.last().accept();
  const reading = device.report(temp(1));
  first.end('reset');
  time.turn(1_000);
  const second = await gateway.last().accept();
  expect(second.messages.map((m) => m.readings)).toEqual([[reading]]);
  expect(device.stats).toMatchObject({ resent: 1, waiting: 1 });
  first.messages[0]?.ack();
  expect(device.stats.acknowledged).toBe(0);
  second.messages[0]?.ack();
  expect(device.stats).toMatchObject({ acknowledged: 1, waiting: 0 });
});

test('numbers rise strictly, also within one millisecond, with the clock set back, and over a restart', () => {
  const one = setup();
  const a = [1, 2, 3].map((t) => one.device.report(temp(t)).seq);
  a.push(one.device.report(temp(4), { ts: 1 }).seq);
  expect(new Set(a).size).toBe(4);
  expect(a).toEqual([...a].sort((x, y) => x - y));
  const later = setup();
  later.time.turn(1);
  const restarted = createDevice({
    id: 'dev-001',
    mqtt: { host: '', port: 1 },
    key: '',
    cert: '',
    ca: '',
    clock: later.time.clock,
    open: later.gateway.open,
    onProblem: () => undefined,
  });
  expect(restarted.report(temp(1)).seq).toBeGreaterThan(Math.max(...a));
});

test('with a file, a new process goes on with the old readings and numbers', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'iot-test-device-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'journal');
  const before = setup({ buffer: { file } });
  const old = [before.device.report(temp(1)), before.device.report(temp(2))];
  const after = setup({ buffer: { file } });
  const fresh = after.device.report(temp(3));
  expect(fresh.seq).toBe(2);
  after.device.start();
  const session = await after.gateway.last().accept();
  expect(session.messages.map((m) => m.readings[0])).toEqual([...old, fresh]);
});

test('the wait doubles with each failure up to its maximum, and begins anew after an acknowledgement', async () => {
  const { device, gateway, time, heard } = setup();
  device.start();
  const waits: (number | undefined)[] = [];
  for (let i = 0; i < 9; i++) {
    await gateway.last().refuse('away');
    waits.push(time.nextIn());
    time.turn(200_000);
  }
  expect(waits).toEqual([999, 1_999, 3_999, 7_999, 15_999, 29_999, 29_999, 29_999, 29_999]);
  expect(heard.problems).toHaveLength(9);
  const session = await gateway.last().accept();
  device.report(temp(1));
  session.messages[0]?.ack();
  session.end('gone');
  expect(time.nextIn()).toBe(999);
});

test('a gateway that accepts and closes at once is not met faster and faster', async () => {
  const { device, gateway, time } = setup();
  device.start();
  const waits: (number | undefined)[] = [];
  for (let i = 0; i < 4; i++) {
    const session = await gateway.last().accept();
    session.end('closed');
    waits.push(time.nextIn());
    time.turn(200_000);
  }
  expect(waits).toEqual([999, 1_999, 3_999, 7_999]);
});

test('a connection that held for half a minute counts as good even without readings', async () => {
  const { device, gateway, time } = setup();
  device.start();
  for (let i = 0; i < 3; i++) {
    await gateway.last().refuse('away');
    time.turn(200_000);
  }
  const session = await gateway.last().accept();
  time.turn(30_000);
  session.end('closed');
  expect(time.nextIn()).toBe(999);
});

test('no more messages are in flight than the window has', async () => {
  const { device, gateway } = setup({ window: 3 });
  device.start();
  const session = await gateway.last().accept();
  for (let t = 0; t < 10; t++) device.report(temp(t));
  expect(session.messages).toHaveLength(3);
  session.messages[1]?.ack();
  expect(session.messages).toHaveLength(4);
});

test('a message without acknowledgement ends the connection in time; one that gets them late does not', async () => {
  const { device, gateway, time } = setup({ ackTimeoutMs: 10_000 });
  device.start();
  const session = await gateway.last().accept();
  device.report(temp(1));
  device.report(temp(2));
  time.turn(9_000);
  session.messages[0]?.ack();
  time.turn(9_000);
  expect(session.closed).toBe(false);
  time.turn(1_000);
  expect(session.closed).toBe(true);
});

test('a full buffer tells what it gave up', () => {
  const { device, heard } = setup({ buffer: { readings: 2 } });
  const all = [1, 2, 3, 4].map((t) => device.report(temp(t)));
  expect(heard.dropped).toEqual(all.slice(0, 2));
  expect(device.stats).toMatchObject({ reported: 4, dropped: 2, waiting: 2 });
});

test('batches go out full at once, and partly after the linger time', async () => {
  const { device, gateway, time } = setup({ batch: { readings: 3, lingerMs: 50 } });
  device.start();
  const session = await gateway.last().accept();
  for (let t = 0; t < 5; t++) device.report(temp(t));
  expect(session.messages.map((m) => m.readings.length)).toEqual([3]);
  time.turn(50);
  expect(session.messages.map((m) => m.readings.length)).toEqual([3, 2]);
  session.messages[0]?.ack();
  expect(device.stats).toMatchObject({ acknowledged: 3, waiting: 2 });
});

test('stop waits for acknowledgements, then closes; late ones are left and counted', async () => {
  const { device, gateway, time } = setup();
  device.start();
  const session = await gateway.last().accept();
  device.report(temp(1));
  const stopped = device.stop(5_000);
  expect(() => device.report(temp(2))).toThrow('report after stop');
  session.messages[0]?.ack();
  expect(await stopped).toEqual({ left: 0 });
  expect(session.closed).toBe(true);
  expect(time.nextIn()).toBeUndefined();

  const other = setup();
  other.device.start();
  const silent = await other.gateway.last().accept();
  other.device.report(temp(1));
  const gaveUp = other.device.stop(5_000);
  other.time.turn(5_000);
  expect(await gaveUp).toEqual({ left: 1 });
  expect(silent.closed).toBe(true);
});

test('stop during an attempt leaves no connection behind', async () => {
  const { device, gateway, time } = setup();
  device.start();
  const attempt = gateway.last();
  await device.stop();
  const session = await attempt.accept();
  expect(session.closed).toBe(true);
  time.turn(500_000);
  await turn();
  expect(gateway.attempts).toHaveLength(1);
});

test('config and commands reach the application, and only what it asked for is subscribed', async () => {
  const heard: string[] = [];
  const { device, gateway } = setup({
    onConfig: ({ version, desired }) => heard.push(`config ${version} ${JSON.stringify(desired)}`),
    onCommand: ({ name, payload }) => void heard.push(`command ${name} ${payload}`),
  });
  device.start();
  expect(gateway.last().target.subscriptions).toEqual(['/devices/dev-001/config', '/devices/dev-001/commands/#']);
  const session = await gateway.last().accept();
  session.say('/devices/dev-001/config', '{"version":2,"updatedAt":"","desired":{"a":1}}');
  session.say('/devices/dev-001/config', '{"version":1,"updatedAt":"","desired":{"a":0}}');
  session.say('/devices/dev-001/commands/reboot', '{"id":"c-1","deadline":1,"payload":"now"}');
  expect(heard).toEqual(['config 2 {"a":1}', 'command reboot now']);
  expect(setup().gateway.attempts).toEqual([]);
});

test('a command is done once and answered until the platform has the answer, over connections', async () => {
  let doneTimes = 0;
  const { device, gateway, time } = setup({
    onCommand: async ({ payload }) => {
      doneTimes++;
      if (payload === 'bad') throw new Error('cannot');
      return { did: payload };
    },
  });
  device.start();
  const first = await gateway.last().accept();
  const command = (id: string, payload: string) => JSON.stringify({ id, deadline: 1, payload });
  first.say('/devices/dev-001/commands/do', command('c-1', 'this'));
  first.say('/devices/dev-001/commands/do', command('c-2', 'bad'));
  await turn();
  expect(first.said.map(({ topic, body }) => [topic, body])).toEqual([
    ['/devices/dev-001/commands/do/result', { id: 'c-1', status: 'succeeded', result: { did: 'this' } }],
    ['/devices/dev-001/commands/do/result', { id: 'c-2', status: 'failed', result: 'cannot' }],
  ]);
  first.said[0]?.ack();
  first.end('gone');
  time.turn(120_000);
  const second = await gateway.last().accept();
  expect(second.said.map(({ body }) => body['id'])).toEqual(['c-2']); // what was not acknowledged
  second.say('/devices/dev-001/commands/do', command('c-1', 'this'));
  await turn();
  expect(second.said.map(({ body }) => body['id'])).toEqual(['c-2', 'c-1']); // answered again
  expect(doneTimes).toBe(2);
});

test('the newest reported state is sent until it is acknowledged, with a version that rises', async () => {
  const { device, gateway, time } = setup();
  device.reportState({ lamp: 'off' });
  device.reportState({ lamp: 'on' });
  device.start();
  const first = await gateway.last().accept();
  expect(first.said.map(({ topic, body }) => [topic, body['reported']])).toEqual([
    ['/devices/dev-001/state', { lamp: 'on' }],
  ]);
  first.end('gone');
  time.turn(120_000);
  const second = await gateway.last().accept();
  expect(second.said[0]?.body).toEqual(first.said[0]?.body);
  second.said[0]?.ack();
  device.reportState({ lamp: 'off' });
  expect(second.said[1]?.body['version']).toBeGreaterThan(first.said[0]?.body['version'] as number);
  expect(() => device.reportState({ deep: JSON.parse(`${'['.repeat(16)}${']'.repeat(16)}`) })).toThrow('nested deeper');
});

test.each([
  [{}, undefined, 'values is empty'],
  [{ 'bad name': 1 }, undefined, "metric 'bad name' has a wrong name"],
  [{ t: Number.NaN }, undefined, "metric 't' is NaN"],
  [{ t: 'x'.repeat(1_025) }, undefined, 'has 1025 characters'],
  [{ t: 1 }, 1.5, 'ts is 1.5'],
  [{ constructor: 1 }, undefined, "metric 'constructor' has a wrong name"],
  [{ t: 'a\0b' }, undefined, 'NUL or a lone surrogate'],
])('a reading that could only become a dead letter is refused where it is made: %o', (values, ts, message) => {
  const { device } = setup();
  expect(() => device.report(values, ts === undefined ? {} : { ts })).toThrow(message);
  expect(device.stats.reported).toBe(0);
});
