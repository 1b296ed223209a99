import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Certificate, Device, IssuedCertificate } from '../../runtime/contracts/http/devices.ts';
import type { IdentityChanges } from '../../runtime/contracts/http/index.ts';
import type { Problem } from '../../runtime/contracts/http/operation.ts';
import { createSweep } from '../../runtime/devices/connection-sweep.ts';
import { guardedCore } from '../../runtime/devices/database.ts';
import { compactChanges } from '../../runtime/devices/identity-changes.ts';
import { listQuery } from '../../runtime/devices/registry.ts';
import { deviceTypesChangedChannel, identityChangedChannel, presenceKey } from '../../runtime/platform/cache/keys.ts';
import { holdConnection } from '../../runtime/platform/cache/scripts/hold-connection.ts';
import { guardStore } from '../../runtime/platform/resilience/store-guard.ts';
import { newCsr } from '../support/csr.ts';
import { takeAway } from '../support/database-away.ts';
import { type Ask, askAs, askDevicesAs } from '../support/internal.ts';
import { quietLog } from '../support/log.ts';
import { type DevicesStand, devicesStand, until } from './harness.ts';

type Page<T> = { items: T[]; next: string | null; degraded?: { parts?: string[] } };

let stand: DevicesStand;
let ask: Ask;
beforeAll(async () => {
  stand = await devicesStand();
  ask = askAs(stand.service.port);
  await stand.core.query("insert into tenants (id, name) values ('other', 'Other')");
});
afterAll(() => stand?.stop());

const devices = '/internal/v1/devices';
const create = async (id: string, more: Record<string, unknown> = {}) => {
  const answer = await ask('POST', devices, { id, ...more });
  expect(answer.status, answer.text).toBe(201);
  return answer.body as Device;
};
const changesAfter = async (after: number) =>
  (await askDevicesAs('gateway', stand.service.port)('GET', `/internal/identity-changes?after=${after}&limit=5000`))
    .body as IdentityChanges;
const fields = (body: unknown) => (body as Problem).errors?.map((e) => e.field) ?? [];
const auditOf = async (target: string) =>
  (await stand.core.query('select * from audit_log where target = $1 order by id', [target])).rows;

describe('registry', () => {
  it('creates, shows and changes a device, and writes each down', async () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const made = await ask(
      'POST',
      devices,
      { id: 'reg-1', name: 'First', tags: ['a', 'a', 'b'] },
      { traceparent: `00-${trace}-b7ad6b7169203331-01` },
    );
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      id: 'reg-1',
      tenant: 'main',
      name: 'First',
      type: 'generic',
      tags: ['a', 'b'],
      status: 'active',
    });
    expect((await ask('GET', `${devices}/reg-1`)).body).toEqual(made.body);
    const changed = await ask('PATCH', `${devices}/reg-1`, { name: 'Second' });
    expect(changed.body).toMatchObject({ name: 'Second', tags: ['a', 'b'] });
    const [created, updated] = await auditOf('reg-1');
    expect(created).toMatchObject({ action: 'device.create', subject: 'tester@example.com', trace, before: null });
    expect(updated).toMatchObject({ action: 'device.update', before: { name: 'First' }, after: { name: 'Second' } });
  });

  it('refuses a second device of the same id, and leaves no trace of it', async () => {
    await create('reg-2');
    expect((await ask('POST', devices, { id: 'reg-2', name: 'x' })).status).toBe(409);
    expect((await ask('GET', `${devices}/reg-2`)).body).toMatchObject({ name: 'reg-2' });
    expect(await auditOf('reg-2')).toHaveLength(1);
  });

  it('refuses a type that does not exist, at creation and at change', async () => {
    const refused = await ask('POST', devices, { id: 'reg-3', type: 'no-such' });
    expect(refused.status).toBe(422);
    expect(fields(refused.body)).toEqual(['body.type']);
    await create('reg-3');
    expect((await ask('PATCH', `${devices}/reg-3`, { type: 'no-such' })).status).toBe(422);
  });

  it('keeps tenants apart in every operation', async () => {
    await create('reg-4');
    const other = askAs(stand.service.port, 'other');
    const { csr } = await newCsr();
    expect((await other('GET', `${devices}/reg-4`)).status).toBe(404);
    expect((await other('PATCH', `${devices}/reg-4`, { name: 'x' })).status).toBe(404);
    expect((await other('POST', `${devices}/reg-4/block`, {})).status).toBe(404);
    expect((await other('POST', `${devices}/reg-4/certificates`, { csr })).status).toBe(404);
    expect((await other('GET', `${devices}/reg-4/certificates`)).status).toBe(404);
    expect(((await other('GET', devices)).body as Page<Device>).items).toEqual([]);
    expect((await other('POST', devices, { id: 'reg-4', name: 'theirs' })).status).toBe(201);
    expect((await ask('GET', `${devices}/reg-4`)).body).toMatchObject({ name: 'reg-4' });
  });

  it('a tenant that does not exist is said to be none', async () => {
    const answer = await askAs(stand.service.port, 'nobody')('POST', devices, { id: 'reg-5' });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain("no tenant 'nobody'");
  });
});

describe('listing', () => {
  const all = async (query: string, each?: (n: number) => Promise<void>) => {
    const ids: string[] = [];
    let next: string | null = '';
    for (let n = 0; next !== null; n++) {
      const cursor: string = next === '' ? '' : `&cursor=${next}`;
      const page = (await ask('GET', `${devices}?${query}${cursor}`)).body as Page<Device>;
      ids.push(...page.items.map((d) => d.id));
      next = page.next;
      await each?.(n);
    }
    return ids;
  };

  it('pages hold every device once, in order, while others come in between', async () => {
    const mine = Array.from({ length: 25 }, (_, i) => `page-${String(i).padStart(3, '0')}`);
    await Promise.all(mine.map((id) => create(id, { tags: ['paging'] })));
    const seen = await all('tag=paging&limit=4', async (n) => {
      await create(`page-0${String(n).padStart(2, '0')}x`, { tags: ['paging'] });
    });
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((id) => mine.includes(id))).toEqual(mine);
    expect(seen).toEqual([...seen].sort());
  });

  it('filters by part of id or name, tag, type and status, all at once', async () => {
    await ask('PUT', '/internal/v1/device-types/pump', { id: 'pump', metrics: {} });
    await create('find-1', { name: 'Kitchen North', tags: ['floor:1'] });
    await create('find-2', { name: 'KITCHEN south', tags: ['floor:1'], type: 'pump' });
    await create('find-3', { name: 'Bath', tags: ['floor:1'], type: 'pump' });
    await ask('POST', `${devices}/find-2/block`, {});
    expect(await all('search=kitchen')).toEqual(['find-1', 'find-2']);
    expect(await all('search=FIND-&type=pump')).toEqual(['find-2', 'find-3']);
    expect(await all('search=find-&tag=floor:1&type=pump&status=blocked')).toEqual(['find-2']);
  });

  it('takes wildcards of `like` as themselves', async () => {
    await create('like-1', { name: '100% a_b c\\d' });
    await create('like-2', { name: '100x aXb cd' });
    for (const part of ['100%', 'a_b', 'c\\d'])
      expect(await all(`search=${encodeURIComponent(part)}`)).toEqual(['like-1']);
    expect(await all(`search=${encodeURIComponent('%_%')}`)).toEqual([]);
  });

  it('finds part of a name among many by the trigram index', async () => {
    await stand.core.query("insert into tenants (id, name) values ('bulk', 'Bulk')");
    await stand.core.query(
      `insert into devices (tenant, id, name, type)
       select 'bulk', 'bulk-' || n, md5(n::text), 'generic' from generate_series(1, 20000) n`,
    );
    await stand.core.query('vacuum analyze devices');
    const { text, values } = listQuery('bulk', { search: 'C4CA4238A0', limit: 5 }, undefined);
    expect(JSON.stringify((await stand.core.query(`explain ${text}`, values)).rows)).toContain('devices_search');
    const found = (await askAs(stand.service.port, 'bulk')('GET', `${devices}?search=C4CA4238A0`)).body as Page<Device>;
    expect(found.items.map((d) => d.id)).toEqual(['bulk-1']);
  });

  it.each([
    'AAAA',
    Buffer.from('{"id":"x\' or 1=1"}').toString('base64url'),
    Buffer.from('{"id":1}').toString('base64url'),
    Buffer.from('[]').toString('base64url'),
    Buffer.from('{"id":"abc","x":1}').toString('base64url'),
  ])('refuses a forged cursor: %s', async (cursor) => {
    const answer = await ask('GET', `${devices}?cursor=${cursor}`);
    expect(answer.status).toBe(400);
    expect(fields(answer.body)).toEqual(['query.cursor']);
  });
});

describe('hostile input', () => {
  const sql = "'; drop table devices; --";
  it.each([
    ['id', { id: sql }],
    ['name with a line break', { id: 'host-1', name: 'a\r\nx-iot-tenant: other' }],
    ['tag', { id: 'host-1', tags: [sql] }],
    ['type', { id: 'host-1', type: sql }],
    ['unknown field', { id: 'host-1', tenant: 'other' }],
    ['prototype', '{"id":"host-1","__proto__":{"status":"blocked"}}'],
    ['number for text', { id: 5 }],
    ['an array', [1]],
    ['null', 'null'],
    ['33 tags', { id: 'host-1', tags: Array.from({ length: 33 }, (_, i) => `t${i}`) }],
  ])('in a new device: %s', async (_name, body) => {
    const answer = await ask('POST', devices, body);
    expect(answer.status).toBe(400);
    expect(answer.type).toBe('application/problem+json');
    expect((await ask('GET', `${devices}/host-1`)).status).toBe(404);
  });

  it.each(['search', 'tag', 'type', 'status', 'cursor', 'limit'])('in query %s', async (name) => {
    const answer = await ask('GET', `${devices}?${name}=${encodeURIComponent(sql)}`);
    expect([200, 400]).toContain(answer.status);
    if (answer.status === 200) expect((answer.body as Page<Device>).items).toEqual([]);
    expect((await stand.core.query('select 1 from devices limit 1')).rowCount).toBe(1);
  });

  it('in paths', async () => {
    for (const id of [sql, '..%2f..', 'a%00b', '%0d%0aset-cookie:x'])
      expect([400, 404]).toContain(
        (await ask('GET', `${devices}/${id.includes('%') ? id : encodeURIComponent(id)}`)).status,
      );
  });

  it('a name with quotes is a name', async () => {
    expect(await create('host-2', { name: `Robert'); drop table devices;-- "x" <b>` })).toMatchObject({
      name: `Robert'); drop table devices;-- "x" <b>`,
    });
  });
});

describe('blocking', () => {
  it('changes device, identity and audit together, once', async () => {
    await create('block-1');
    const before = (await changesAfter(0)).version;
    const blocked = await ask('POST', `${devices}/block-1/block`, { reason: 'stolen' });
    expect(blocked.body).toMatchObject({ status: 'blocked', blockedReason: 'stolen' });
    expect((await ask('POST', `${devices}/block-1/block`, { reason: 'again' })).body).toMatchObject({
      blockedReason: 'stolen',
    });
    expect((await ask('POST', `${devices}/block-1/unblock`, {})).body).toMatchObject({
      status: 'active',
      blockedReason: null,
    });
    const { changes } = await changesAfter(before);
    expect(changes.map((c) => [c.version - before, c.device, c.change])).toEqual([
      [1, 'block-1', 'blocked'],
      [2, 'block-1', 'unblocked'],
    ]);
    expect((await auditOf('block-1')).map((row) => row.action)).toEqual([
      'device.create',
      'device.block',
      'device.unblock',
    ]);
  });

  it('hands out versions without a gap, and no reader misses one, under 50 at once', async () => {
    const ids = Array.from({ length: 50 }, (_, i) => `many-${i}`);
    await Promise.all(ids.map((id) => create(id)));
    const start = (await changesAfter(0)).version;
    const seen: number[] = [];
    let reading = true;
    const reader = (async () => {
      let after = start;
      while (reading) {
        const { changes, version } = await changesAfter(after);
        seen.push(...changes.map((c) => c.version));
        after = version;
      }
      seen.push(...(await changesAfter(after)).changes.map((c) => c.version));
    })();
    await Promise.all(ids.map((id) => ask('POST', `${devices}/${id}/block`, {})));
    reading = false;
    await reader;
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => start + i + 1));
  });

  it('pages changes and says when there are more', async () => {
    const asGateway = askDevicesAs('gateway', stand.service.port);
    const first = (await asGateway('GET', '/internal/identity-changes?after=0&limit=2')).body as IdentityChanges;
    expect(first.changes.map((c) => c.version)).toEqual([1, 2]);
    expect(first).toMatchObject({ version: 2, more: true });
    expect(await changesAfter(10_000_000)).toEqual({ version: 10_000_000, changes: [], more: false });
  });

  it('wakes the gateways', async () => {
    await create('wake-1');
    const standing = Promise.withResolvers<void>();
    const woken = Promise.withResolvers<string>();
    const end = stand.cache.subscribe(identityChangedChannel(), {
      onStanding: standing.resolve,
      onMessage: woken.resolve,
    });
    await standing.promise;
    await ask('POST', `${devices}/wake-1/block`, {});
    expect(await woken.promise).toBe('changed');
    end();
  });
});

describe('identity changes of long ago', () => {
  it('are compacted to what a gateway at any version still needs, and versions count on', async () => {
    const expired = "now() - interval '3 days'";
    for (const id of ['old-1', 'old-2', 'old-3']) await create(id);
    const start = (await changesAfter(0)).version;
    for (const what of ['block', 'unblock', 'block']) await ask('POST', `${devices}/old-1/${what}`, {});
    for (const what of ['block', 'unblock']) await ask('POST', `${devices}/old-2/${what}`, {});
    const serials = ['0a', '0b', '0c'];
    for (const serial of serials) {
      await stand.core.query(
        `insert into certificates (tenant, serial, device_id, fingerprint256, not_before, not_after)
         values ('main', $1, 'old-3', $1, now() - interval '400 days', ${serial === '0b' ? "now() + interval '9 days'" : expired})`,
        [serial],
      );
      expect((await ask('POST', `${devices}/old-3/certificates/${serial}/revoke`, {})).status).toBe(200);
    }
    const told = async () =>
      (await changesAfter(start)).changes.map((c) => [c.version - start, c.device, c.change, c.serial]);
    const all = await told();
    expect(all).toHaveLength(8);
    const core = guardedCore(stand.core, guardStore({ name: 'core', concurrent: 4 }, quietLog));
    await compactChanges(core);
    expect(await told(), 'nothing of this week').toEqual(all);
    await stand.core.query("update identity_changes set at = at - interval '8 days' where version > $1", [start]);
    expect(await compactChanges(core)).toBe(4);
    expect(await told()).toEqual([
      [3, 'old-1', 'blocked', null],
      [5, 'old-2', 'unblocked', null],
      [7, 'old-3', 'certificate-revoked', '0b'],
      [8, 'old-3', 'certificate-revoked', '0c'], // over, but the newest of all
    ]);
    const [, , valid] = (await changesAfter(start)).changes;
    const { rows } = await stand.core.query("select not_after from certificates where serial = '0b'");
    expect(valid?.expiresAt).toBe(rows[0].not_after.getTime());
    await ask('POST', `${devices}/old-1/unblock`, {});
    expect((await told()).at(-1)).toEqual([9, 'old-1', 'unblocked', null]);
  });
});

describe('certificates', () => {
  const issue = async (id: string, csr: string) => await ask('POST', `${devices}/${id}/certificates`, { csr });

  it("are issued for the device in the path, whatever the request's subject says", async () => {
    await create('cert-1');
    const { csr } = await newCsr('CN=victim,O=other');
    const answer = await issue('cert-1', csr);
    expect(answer.status, answer.text).toBe(201);
    const issued = answer.body as IssuedCertificate;
    const x = new X509Certificate(issued.certificate);
    expect(x.subject).toBe('O=main\nCN=cert-1');
    expect(x.serialNumber.toLowerCase()).toBe(issued.serial);
    expect(x.validToDate.toISOString()).toBe(issued.notAfter);
    expect(x.validFromDate.toISOString()).toBe(issued.notBefore);
    expect(x.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(issued.fingerprint256);
    const issuing = new X509Certificate(issued.chain);
    expect(x.verify(issuing.publicKey) && issuing.verify(new X509Certificate(issued.ca).publicKey)).toBe(true);
    expect((x.validToDate.getTime() - Date.now()) / 86_400_000).toBeCloseTo(90, 0);
  });

  it('are refused for a blocked device, and issued again once it is unblocked', async () => {
    await create('cert-2');
    const { csr } = await newCsr();
    await ask('POST', `${devices}/cert-2/block`, {});
    expect((await issue('cert-2', csr)).status).toBe(409);
    await ask('POST', `${devices}/cert-2/unblock`, {});
    expect((await issue('cert-2', csr)).status).toBe(201);
  });

  it('are refused for a request that proves nothing, with the field', async () => {
    await create('cert-3');
    const { csr } = await newCsr();
    const der = Buffer.from(csr.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
    for (const bad of [forged, 'x'.repeat(500)]) {
      const answer = await issue('cert-3', bad);
      expect(answer.status).toBe(422);
      expect(fields(answer.body)).toEqual(['body.csr']);
    }
    expect((await issue('cert-3', 'x'.repeat(9_000))).status).toBe(400);
    expect((await issue('cert-3', 'x'.repeat(400_000))).status).toBe(413);
    expect(((await ask('GET', `${devices}/cert-3/certificates`)).body as Page<Certificate>).items).toEqual([]);
  });

  it('are listed newest first, a page at a time', async () => {
    await create('cert-4');
    const serials: string[] = [];
    for (let i = 0; i < 5; i++)
      serials.unshift(((await issue('cert-4', (await newCsr()).csr)).body as IssuedCertificate).serial);
    const seen: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const page = (await ask('GET', `${devices}/cert-4/certificates?limit=2${next === '' ? '' : `&cursor=${next}`}`))
        .body as Page<Certificate>;
      seen.push(...page.items.map((c) => c.serial));
      next = page.next;
    }
    expect(seen).toEqual(serials);
  });

  it('are revoked once, with an identity change that names the serial', async () => {
    await create('cert-5');
    await create('cert-6');
    const { serial } = (await issue('cert-5', (await newCsr()).csr)).body as IssuedCertificate;
    const before = (await changesAfter(0)).version;
    expect((await ask('POST', `${devices}/cert-6/certificates/${serial}/revoke`, {})).status).toBe(404);
    const revoked = await ask('POST', `${devices}/cert-5/certificates/${serial}/revoke`, { reason: 'key lost' });
    expect(revoked.body).toMatchObject({ status: 'revoked', revokedReason: 'key lost' });
    expect((await ask('POST', `${devices}/cert-5/certificates/${serial}/revoke`, { reason: 'x' })).body).toEqual(
      revoked.body,
    );
    expect((await changesAfter(before)).changes).toMatchObject([
      { device: 'cert-5', change: 'certificate-revoked', serial },
    ]);
  });
});

describe('device types', () => {
  const put = (id: string, body: unknown) => ask('PUT', `/internal/v1/device-types/${id}`, body);

  it('are created, replaced with a rising version, and listed by id', async () => {
    const type = {
      id: 'thermo',
      metrics: { temperature: { type: 'number', unit: 'Cel', min: -60, max: 160 } },
      transform: { temperature: '(values.temperature_f - 32.0) / 1.8' },
    };
    const made = await put('thermo', type);
    expect(made.status, made.text).toBe(200);
    expect((await ask('GET', '/internal/v1/device-types/thermo')).body).toEqual(made.body);
    await put('thermo', { ...type, description: 'second' });
    const { rows } = await stand.core.query("select version from device_types where tenant = 'main' and id = 'thermo'");
    expect(Number(rows[0].version)).toBe(2);
    const page = (await ask('GET', '/internal/v1/device-types?limit=1')).body as Page<{ id: string }>;
    expect(page.items.map((t) => t.id)).toEqual(['generic']);
    const rest = (await ask('GET', `/internal/v1/device-types?cursor=${page.next}`)).body as Page<{ id: string }>;
    expect(rest.items.map((t) => t.id)).toContain('thermo');
  });

  it('tell processors what to read again: a new device, a device of another type, a changed type', async () => {
    const heard: string[] = [];
    const unsubscribe = await new Promise<() => void>((resolve) => {
      const end = stand.cache.subscribe(deviceTypesChangedChannel(), {
        onMessage: (message) => void heard.push(message),
        onStanding: () => resolve(() => end()),
      });
    });
    await put('tell', { id: 'tell', metrics: {} });
    await create('tell-1');
    await ask('PATCH', `${devices}/tell-1`, { name: 'Only a name' });
    await ask('PATCH', `${devices}/tell-1`, { type: 'tell' });
    await ask('PATCH', `${devices}/tell-1`, { type: 'tell' });
    await put('bad', { id: 'other', metrics: {} });
    await ask('POST', devices, { id: 'tell-1' });
    await put('tell', { id: 'tell', metrics: {}, description: 'last' });
    await until('the last message', () => heard.length >= 4);
    expect(heard).toEqual(['main', 'main/tell-1', 'main/tell-1', 'main']);
    unsubscribe();
  });

  it('are refused with every field that is wrong', async () => {
    const answer = await put('bad', {
      id: 'other',
      metrics: { a: { type: 'number', min: 2, max: 1 }, b: { type: 'string', min: 1 } },
      transform: { a: 'values.a +', b: 'process.exit(1)', c: 'values.c * 2.0' },
      alerts: [
        { kind: 'threshold', id: 'hot', metric: 'a', operator: '>', value: 1 },
        { kind: 'silence', id: 'hot', seconds: 60 },
      ],
    });
    expect(answer.status).toBe(422);
    expect(fields(answer.body)).toEqual([
      'body.id',
      'body.metrics.a',
      'body.metrics.b',
      'body.transform.a',
      'body.transform.b',
      'body.alerts[1].id',
    ]);
    expect((await ask('GET', '/internal/v1/device-types/bad')).status).toBe(404);
  });
});

describe('connections', () => {
  const at = Date.UTC(2026, 10, 22, 10);
  const event = (device: string, connection: number, what: 'connected' | 'disconnected', when = at + connection) =>
    ({ v: 1, tenant: 'main', device, event: what, at: when, gateway: 'gateway', connection }) as const;
  const row = async (id: string) =>
    (
      await stand.core.query(
        "select connected, connection, connection_gateway from devices where tenant = 'main' and id = $1",
        [id],
      )
    ).rows[0];

  it('come from Redis', async () => {
    await create('conn-1');
    await stand.cache.run(holdConnection, {
      key: presenceKey('main', 'conn-1'),
      gateway: 'gateway-2',
      epoch: at,
      ttlMs: 60_000,
      info: '{}',
    });
    expect(((await ask('GET', `${devices}/conn-1`)).body as Device).connection).toEqual({
      connected: true,
      since: new Date(at).toISOString(),
      gateway: 'gateway-2',
      lastSeenAt: new Date(at).toISOString(),
    });
  });

  it('follow lifecycle events in any order: a late end never undoes a newer beginning', async () => {
    await Promise.all(['life-1', 'life-2', 'life-3'].map((id) => create(id)));
    await stand.publish([event('life-1', 5, 'connected')]);
    await until('life-1 is connected', async () => (await row('life-1'))?.connected === true);
    await stand.publish([
      event('life-1', 4, 'disconnected'),
      event('life-2', 7, 'disconnected'),
      event('life-2', 7, 'connected'),
      event('life-2', 6, 'connected'),
      event('life-3', 9, 'connected'),
    ]);
    await until('life-3 is connected', async () => (await row('life-3'))?.connected === true);
    expect(await row('life-1')).toMatchObject({ connected: true, connection: '5' });
    await until('life-2 is known', async () => (await row('life-2'))?.connection === '7');
    await stand.publish([event('life-2', 7, 'connected'), event('life-3', 10, 'disconnected')]);
    await until('life-3 is gone', async () => (await row('life-3'))?.connected === false);
    expect(await row('life-2')).toMatchObject({ connected: false, connection: '7' });
  });

  it('messages that are no events block nobody', async () => {
    await create('life-4');
    await stand.publish([
      { nonsense: true } as never,
      { ...event('life-4', 1, 'connected'), tenant: "x'; drop table devices" },
      event('life-4', 3, 'connected'),
    ]);
    await until('life-4 is connected', async () => (await row('life-4'))?.connected === true);
  });

  it('are told from the registry, and marked so, while Redis is away; blocking works meanwhile', async () => {
    await create('away-1');
    await stand.publish([event('away-1', 2, 'connected')]);
    await until('away-1 is connected', async () => (await row('away-1'))?.connected === true);
    await stand.redis.stop();
    try {
      await until(
        'the service sees Redis away',
        async () => ((await ask('GET', `${devices}/away-1`)).body as Device).degraded !== undefined,
      );
      const device = (await ask('GET', `${devices}/away-1`)).body as Device;
      expect(device).toMatchObject({
        degraded: { parts: ['cache'] },
        connection: { connected: true, gateway: 'gateway' },
      });
      const page = (await ask('GET', `${devices}?search=away-1`)).body as Page<Device>;
      expect(page).toMatchObject({ degraded: { parts: ['cache'] }, items: [{ id: 'away-1' }] });
      expect((await ask('POST', `${devices}/away-1/block`, {})).body).toMatchObject({ status: 'blocked' });
    } finally {
      await stand.redis.start();
    }
    await until(
      'Redis is back',
      async () => ((await ask('GET', `${devices}/away-1`)).body as Device).degraded === undefined,
    );
  });

  it('of a gateway that died end after two looks, unless somebody holds them or they are new', async () => {
    await stand.cache.upWithin(5_000); // an earlier test took it away
    await Promise.all(['gone-1', 'gone-2', 'gone-3', 'gone-4'].map((id) => create(id)));
    await stand.publish(['gone-1', 'gone-2', 'gone-3'].map((id) => event(id, 1, 'connected', at)));
    await stand.publish([event('gone-4', 1, 'connected', Date.now())]);
    for (const id of ['gone-1', 'gone-2', 'gone-3', 'gone-4'])
      await until(`${id} is connected`, async () => (await row(id))?.connected === true);
    const hold = { key: presenceKey('main', 'gone-2'), gateway: 'g', epoch: at, ttlMs: 60_000, info: '{}' };
    await stand.cache.run(holdConnection, hold);
    const guard = guardStore({ name: 'core', concurrent: 4 }, quietLog);
    const sweep = createSweep(guardedCore(stand.core, guard), stand.cache);
    await sweep.round();
    expect(await row('gone-1')).toMatchObject({ connected: true });
    await stand.publish([event('gone-3', 2, 'connected', at)]);
    await until('gone-3 is back', async () => (await row('gone-3'))?.connection === '2');
    await sweep.round();
    expect(await row('gone-1')).toMatchObject({ connected: false, connection: '1' });
    for (const id of ['gone-2', 'gone-3', 'gone-4']) expect(await row(id), id).toMatchObject({ connected: true });
    sweep.forget();
    await sweep.round();
    expect(await row('gone-3')).toMatchObject({ connected: true });
  });

  it('are counted for the fleet, by tenant', async () => {
    const countsOf = async (tenant: string) =>
      (await askDevicesAs('telemetry', stand.service.port, tenant)('GET', '/internal/counts')).body;
    const counts = (await countsOf('main')) as Record<string, number>;
    const { rows } = await stand.core.query(
      "select count(*)::int as n, count(*) filter (where status = 'blocked')::int as b from devices where tenant = 'main'",
    );
    expect(counts).toMatchObject({ devices: rows[0].n, blocked: rows[0].b });
    expect(await countsOf('other')).toEqual({
      devices: 1,
      blocked: 0,
      connected: 0,
    });
  });
});

describe('the core database away', () => {
  it('is a fast 503 that says so, with nothing of the error; then the service goes on by itself', async () => {
    await create('core-1');
    const giveBack = await takeAway(stand.postgres, 'core');
    try {
      for (let i = 0; i < 20; i++) {
        const answer = await ask('GET', `${devices}/core-1`);
        expect(answer.status).toBe(503);
        expect(answer.body).toMatchObject({ title: 'Store away' });
        expect(answer.text).not.toMatch(/postgres:\/\/|password|allow|connect/i);
      }
      expect(stand.service.health.notReady()).toEqual(['core database']);
    } finally {
      await giveBack();
    }
    await until('the database is back', async () => (await ask('GET', `${devices}/core-1`)).status === 200);
    expect(stand.service.health.notReady()).toEqual([]);
  });
});

describe('quotas of a tenant', () => {
  const limited = 'limited';
  let asLimited: Ask;
  beforeAll(async () => {
    await stand.core.query("insert into tenants (id, name, quota_devices) values ('limited', 'Limited', 5)");
    asLimited = askAs(stand.service.port, limited);
  });

  it('devices beyond it are refused in words, however many come at once; other tenants are not held up', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => asLimited('POST', devices, { id: `limited-${n}` })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([
      ...Array.from({ length: 5 }, () => 201),
      ...Array.from({ length: 7 }, () => 409),
    ]);
    const refused = answers.find(({ status }) => status === 409);
    expect((refused?.body as Problem | undefined)?.detail).toContain("tenant 'limited' may register 5 devices");
    const { rows } = await stand.core.query("select count(*)::int as n from devices where tenant = 'limited'");
    expect(rows).toEqual([{ n: 5 }]);
    await create('unlimited-1');
  });

  it('gateways hear their share by their part of the connections, and a report told twice counts once', async () => {
    await stand.core.query("update tenants set quota_messages_per_second = 90 where id = 'limited'");
    const now = Date.now();
    const asGateway = askDevicesAs('gateway', stand.service.port);
    const report = async (gateway: string, connections: number, messages: number) => {
      const row = { tenant: limited, minute: now - (now % 60_000), messages, throttledMs: 10, connections };
      const answer = await asGateway('POST', '/internal/tenant-usage', { gateway, tenants: [row] });
      expect(answer.status, answer.text).toBe(200);
      return answer.body;
    };
    const share = (messagesPerSecond: number) => ({ shares: [{ tenant: limited, messagesPerSecond }] });
    expect(await report('g1', 2, 100)).toEqual(share(90));
    expect(await report('g2', 1, 40)).toEqual(share(30));
    expect(await report('g1', 2, 100)).toEqual(share(60));
    expect(await report('g1', 2, 90)).toEqual(share(60));
    const { rows } = await stand.core.query(
      "select sum(messages)::int as n from tenant_usage where tenant = 'limited'",
    );
    expect(rows).toEqual([{ n: 140 }]);
    const wrong = await asGateway('POST', '/internal/tenant-usage', { gateway: 'g1', tenants: [{ tenant: 'X' }] });
    expect(wrong.status).toBe(400);
  });
});
