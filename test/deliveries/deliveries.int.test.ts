import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Command, CommandJob } from '../../runtime/contracts/http/commands.ts';
import type { DesiredState, Twin } from '../../runtime/contracts/http/twins.ts';
import { type DeliveryStand, deliveryStand, until } from './stand.ts';

let s: DeliveryStand;
let number = 0;
beforeAll(async () => {
  s = await deliveryStand();
}, 90_000);
afterAll(() => s?.stop());

async function newDevice(more: Record<string, unknown> = {}): Promise<string> {
  const id = `device-${++number}`;
  await s.register(id, more);
  return id;
}
const send = (device: string, body: Record<string, unknown>, headers: Record<string, string> = {}, wait = 0) =>
  s.call<Command>('POST', `/v1/devices/${device}/commands?wait=${wait}`, body, headers);
const put = (device: string, document: unknown, headers: Record<string, string> = {}) =>
  s.call<DesiredState>('PUT', `/v1/devices/${device}/twin/desired`, document, headers);
const twinOf = async (device: string) => (await s.call<Twin>('GET', `/v1/devices/${device}/twin`)).body;
const commandOf = async (device: string, id: string) =>
  (await s.call<Command>('GET', `/v1/devices/${device}/commands/${id}`)).body;

describe('twin', () => {
  test('desired goes to the device at once, reported comes back, and the delta shrinks to nothing', async () => {
    const id = await newDevice();
    const device = await s.connect(id);
    expect((await twinOf(id)).desired).toEqual({ version: 0, updatedAt: null, document: {} });
    const first = await put(id, { interval: 60, lamp: { on: true } });
    expect([first.status, first.body.version, first.etag]).toEqual([200, 1, '"1"']);
    await until('config', () => device.configs().length === 1);
    expect(device.configs()[0]?.body).toEqual({
      version: 1,
      updatedAt: first.body.updatedAt,
      desired: { interval: 60, lamp: { on: true } },
    });
    await device.say('state', { interval: 60, lamp: { on: false }, own: 1 });
    await until('reported', async () => (await twinOf(id)).reported.version === 1);
    expect(await twinOf(id)).toMatchObject({
      reported: { version: 1, deviceVersion: null, document: { interval: 60, lamp: { on: false }, own: 1 } },
      delta: { lamp: { on: true } },
    });
    await device.say('state', { interval: 60, lamp: { on: true } });
    await until('no delta', async () => Object.keys((await twinOf(id)).delta).length === 0);
    const patched = await s.call<DesiredState>('PATCH', `/v1/devices/${id}/twin/desired`, { interval: 30, lamp: null });
    expect(patched.body).toMatchObject({ version: 2, document: { interval: 30 } });
    await until('second config', () => device.configs().length === 2);
    const same = await put(id, { interval: 30 });
    expect(same.body.version).toBe(2); // nothing changed: no version, no message
  });

  test('a change made while the device is offline arrives when it connects, the newest alone', async () => {
    const id = await newDevice();
    await put(id, { n: 1 });
    await put(id, { n: 2 });
    const device = await s.connect(id);
    await until('config', () => device.configs().length > 0);
    expect(device.configs().map(({ body }) => body['version'])).toEqual([2]);
    // Like a retained message: at each subscription.
    await device.client.subscribeAsync(`/devices/${id}/config`, { qos: 1 });
    await until('again', () => device.configs().length === 2);
  });

  test('of 200 who patch the same version at the same time exactly one wins, round after round', async () => {
    const id = await newDevice();
    await put(id, { count: 0 });
    const path = `/v1/devices/${id}/twin/desired`;
    for (let round = 1; round <= 4; round++) {
      const read = await s.call<DesiredState>('GET', path);
      const tries = await Promise.all(
        Array.from({ length: 200 }, (_, writer) =>
          s.call<DesiredState>('PATCH', path, { count: round, writer }, { 'if-match': read.etag ?? '' }),
        ),
      );
      const won = tries.filter(({ status }) => status === 200);
      expect(won.map(({ body }) => body.version)).toEqual([round + 1]);
      // 503: more at once than the service lets at its database.
      for (const { status } of tries) expect([200, 412, 503]).toContain(status);
      expect((await twinOf(id)).desired).toMatchObject({ version: round + 1, document: won[0]?.body.document });
    }
    const { rows } = await s.core.query(
      "select after->>'version' as version from audit_log where action = 'twin.desired' and target = $1 order by id",
      [id],
    );
    expect(rows.map(({ version }) => version)).toEqual(['1', '2', '3', '4', '5']);
    expect((await s.core.query('select 1 from twin_intents where device_id = $1', [id])).rowCount).toBe(0);
  }, 120_000);

  test.each([
    ['an old ETag', 'PUT', { a: 1 }, { 'if-match': '"7"' }, 412, 'the version is 0, not 7'],
    ['any ETag where there is none', 'PUT', { a: 1 }, { 'if-match': '*' }, 412, 'there is no desired state yet'],
    ['a malformed ETag', 'PUT', { a: 1 }, { 'if-match': 'W/"1"' }, 400, 'headers.if-match'],
    ['null in a document', 'PUT', { a: { b: null } }, {}, 400, 'holds null'],
    ['no object', 'PUT', [1], {}, 400, 'must be one JSON object'],
    ['too deep', 'PUT', JSON.parse(`{"a":${'['.repeat(16)}${']'.repeat(16)}}`), {}, 400, 'nested deeper than 16'],
    ['too large', 'PUT', { a: 'x'.repeat(262_144) }, {}, 400, 'allowed are 262144'],
  ] as const)('%s is refused in words', async (_, method, body, headers, status, words) => {
    const id = await newDevice();
    const answer = await s.call<{ detail: string }>(method, `/v1/devices/${id}/twin/desired`, body, headers);
    expect(answer.status).toBe(status);
    expect(answer.body.detail).toContain(words);
    expect((await twinOf(id)).desired.version).toBe(0);
  });

  test('256 KB each way', async () => {
    const id = await newDevice();
    const device = await s.connect(id);
    const big = { text: 'x'.repeat(262_144 - 11) };
    expect((await put(id, big)).status).toBe(200);
    await until('big config', () => device.configs().length === 1);
    await device.say('state', big);
    await until('big state', async () => (await twinOf(id)).reported.version === 1);
    expect((await twinOf(id)).delta).toEqual({});
  });

  test('what was said before does not come back: redelivered, reordered, of an older connection or version', async () => {
    const id = await newDevice();
    const said = (connection: number, order: number, body: unknown) => ({
      data: Buffer.from(JSON.stringify(body)),
      attributes: {
        v: '1',
        tenant: 'main',
        device: id,
        kind: 'state',
        message: String(connection).padStart(16, '0') + String(order).padStart(16, 'a'),
        received: String(1_795_000_000_000 + connection),
        connection: String(connection),
        order: String(order),
      },
    });
    const topic = s.bus.topicPath('iot', 'updates');
    const publish = (...messages: ReturnType<typeof said>[]) => s.bus.publisher.publish({ topic, messages });
    const newest = said(2, 1, { n: 'newest' });
    await publish(newest, said(2, 0, { n: 'before' }), said(1, 9, { n: 'older connection' }), newest);
    await until('newest', async () => (await twinOf(id)).reported.document['n'] === 'newest');
    await publish(said(2, 0, { n: 'before' }), newest, said(1, 9, { n: 'older connection' }));
    await publish(
      said(3, 0, { version: 7, reported: { n: 'seven' } }),
      said(3, 1, { version: 6, reported: { n: 'six' } }),
    );
    await until('seven', async () => (await twinOf(id)).reported.deviceVersion === 7);
    await publish(
      said(4, 0, { version: 7, reported: { n: 'other seven' } }),
      said(5, 0, { version: 8, reported: { n: 'eight' } }),
    );
    await until('eight', async () => (await twinOf(id)).reported.deviceVersion === 8);
    expect((await twinOf(id)).reported).toMatchObject({ document: { n: 'eight' } });
    expect((await twinOf(id)).reported.version).toBeLessThanOrEqual(4);
  });
});

describe('commands', () => {
  test('go to the device with id and deadline, and its answer to who waits for it', async () => {
    const id = await newDevice();
    const device = await s.connect(id);
    const waiting = send(id, { name: 'reboot', payload: { delay: 5 }, timeoutSeconds: 60 }, {}, 30);
    await until('command', () => device.commands().length === 1);
    const [got] = device.commands();
    expect(got?.topic).toBe(`/devices/${id}/commands/reboot`);
    expect(got?.body).toMatchObject({ payload: { delay: 5 } });
    const commandId = got?.body['id'] as string;
    await until('acknowledged', async () => (await commandOf(id, commandId)).status === 'acknowledged');
    await device.say('commands/reboot/result', { id: commandId, status: 'succeeded', result: { took: 3 } });
    const { status, body } = await waiting;
    expect(status).toBe(201);
    expect(body).toMatchObject({ id: commandId, status: 'succeeded', result: { took: 3 }, attempts: 1, late: null });
    expect(Date.parse(body.deadline)).toBe(got?.body['deadline']);
    const { rows } = await s.core.query('select action, subject, after from audit_log where target = $1 order by id', [
      id,
    ]);
    expect(rows.at(-1)).toMatchObject({
      action: 'command.send',
      subject: 'operator@example.com',
      after: { name: 'reboot' },
    });
  });

  test('a device that is offline gets its own when it connects, in their order', async () => {
    const id = await newDevice();
    for (let n = 0; n < 20; n++) await send(id, { name: 'step', payload: n });
    const device = await s.connect(id, 0, { answer: true });
    await until('all', () => device.commands().length >= 20);
    expect(device.commands().map(({ body }) => body['payload'])).toEqual(Array.from({ length: 20 }, (_, n) => n));
    await until('all answered', async () => {
      const { rows } = await s.core.query("select 1 from commands where device_id = $1 and status = 'succeeded'", [id]);
      return rows.length === 20;
    });
  });

  test('the same idempotency key is the same command; another body under it is refused', async () => {
    const id = await newDevice();
    const key = { 'idempotency-key': 'k-1' };
    const first = await send(id, { name: 'reboot', payload: { a: 1, b: 2 } }, key);
    const again = await send(id, { name: 'reboot', payload: { b: 2, a: 1 } }, key);
    expect([again.status, again.body.id]).toEqual([201, first.body.id]);
    const other = await send(id, { name: 'reboot', payload: { a: 2 } }, key);
    expect(other.status).toBe(409);
    const together = await Promise.all(
      Array.from({ length: 10 }, () => send(id, { name: 'reset' }, { 'idempotency-key': 'k-2' })),
    );
    expect(new Set(together.map(({ body }) => body.id)).size).toBe(1);
  });

  test('the queue of a device is bounded, and a command can be taken back', async () => {
    const id = await newDevice();
    const sent = await Promise.all(Array.from({ length: 100 }, () => send(id, { name: 'x' })));
    expect(sent.every(({ status }) => status === 201)).toBe(true);
    const over = await send(id, { name: 'x' });
    expect([over.status, (over.body as unknown as { detail: string }).detail]).toEqual([
      422,
      expect.stringContaining('allowed are 100'),
    ]);
    const [first] = sent;
    const path = `/v1/devices/${id}/commands/${first?.body.id}/cancel`;
    expect((await s.call<Command>('POST', path)).body.status).toBe('cancelled');
    expect((await s.call<Command>('POST', path)).status).toBe(200);
    expect((await send(id, { name: 'x' })).status).toBe(201);
    const page = await s.call<{ items: Command[]; next: string }>('GET', `/v1/devices/${id}/commands?limit=60`);
    const rest = await s.call<{ items: Command[]; next: string | null }>(
      'GET',
      `/v1/devices/${id}/commands?limit=60&cursor=${page.body.next}`,
    );
    expect([page.body.items.length, rest.body.items.length, rest.body.next]).toEqual([60, 41, null]);
  });

  test('a result counts for its own device and command alone, once, and is marked when it comes too late', async () => {
    const [id, other] = [await newDevice(), await newDevice()];
    const [device, stranger] = [await s.connect(id), await s.connect(other)];
    const { body: command } = await send(id, { name: 'reboot', timeoutSeconds: 1 });
    await stranger.say('commands/reboot/result', { id: command.id, status: 'failed', result: 'not mine' });
    await device.say('commands/another/result', { id: command.id, status: 'failed', result: 'another name' });
    await until('expired', async () => (await commandOf(id, command.id)).status === 'expired');
    await device.say('commands/reboot/result', { id: command.id, status: 'succeeded', result: 1 });
    await device.say('commands/reboot/result', { id: command.id, status: 'failed', result: 2 });
    await until('late', async () => (await commandOf(id, command.id)).late !== null);
    expect(await commandOf(id, command.id)).toMatchObject({
      status: 'expired',
      result: null,
      late: { status: 'succeeded', result: 1 },
    });
  });

  test('no device hears what is another one’s, whatever it subscribes to', async () => {
    const [id, other] = [await newDevice(), await newDevice()];
    const spy = await s.connect(other, 0, { topics: [`/devices/${other}/#`] });
    const granted = await spy.client
      .subscribeAsync([`/devices/${id}/commands/#`, `/devices/+/config`, '#', `/devices/${id}/config`], { qos: 1 })
      .catch((error: { packet: { granted: number[] } }) => error.packet.granted);
    expect(granted).toEqual([128, 128, 128, 128]);
    const device = await s.connect(id);
    await put(id, { secret: 1 });
    await send(id, { name: 'open' });
    await put(other, { own: 1 });
    await until('own', () => spy.configs().length === 1 && device.got.length === 2);
    expect(spy.got.map(({ topic }) => topic)).toEqual([`/devices/${other}/config`]);
  });

  test('by tag: every device of it once, with counts, and cancelled when it is enough', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => newDevice({ tags: ['bulk'] })));
    const devices = await Promise.all(ids.slice(0, 4).map((id, i) => s.connect(id, i % 2, { answer: true })));
    const made = await s.call<CommandJob>('POST', '/v1/command-jobs', {
      name: 'blink',
      tag: 'bulk',
      timeoutSeconds: 600,
    });
    expect(made.status).toBe(201);
    const job = async () => (await s.call<CommandJob>('GET', `/v1/command-jobs/${made.body.id}`)).body;
    await until('four answered', async () => (await job()).counts.succeeded === 4);
    expect(await job()).toMatchObject({ status: 'running', commands: 12, counts: { queued: 8, succeeded: 4 } });
    for (const device of devices) expect(device.commands()).toHaveLength(1);
    await s.call('POST', `/v1/command-jobs/${made.body.id}/cancel`);
    await until('cancelled', async () => (await job()).status === 'cancelled');
    expect((await job()).counts).toMatchObject({ queued: 0, cancelled: 8, succeeded: 4 });
    const failed = await s.call<{ items: Command[] }>(
      'GET',
      `/v1/command-jobs/${made.body.id}/commands?status=cancelled`,
    );
    expect(failed.body.items).toHaveLength(8);
  });
});
