import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceKey } from '../../runtime/contracts/http/access.ts';
import type { IdentityChange, IdentityChanges } from '../../runtime/contracts/http/index.ts';
import type { Problem } from '../../runtime/contracts/http/operation.ts';
import { guardedCore } from '../../runtime/devices/database.ts';
import { compactChanges } from '../../runtime/devices/identity-changes.ts';
import { guardStore } from '../../runtime/platform/resilience/store-guard.ts';
import { type Ask, askAs, askDevicesAs } from '../support/internal.ts';
import { quietLog } from '../support/log.ts';
import { type DevicesStand, devicesStand } from './harness.ts';

let stand: DevicesStand;
let ask: Ask;
beforeAll(async () => {
  stand = await devicesStand();
  ask = askAs(stand.service.port);
  await stand.core.query("insert into tenants (id, name) values ('other', 'Other')");
});
afterAll(() => stand?.stop());

const changes = async (
  headers: Record<string, string> = { 'x-iot-identity-format': '2' },
): Promise<IdentityChange[]> => {
  const path = '/internal/identity-changes?after=0&limit=5000';
  return ((await askDevicesAs('gateway', stand.service.port)('GET', path, undefined, headers)).body as IdentityChanges)
    .changes;
};
const publicPem = (kind: 'ec' | 'rsa' = 'ec', size = 2_048) => {
  const { publicKey } =
    kind === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: size });
  return publicKey.export({ type: 'spki', format: 'pem' }).toString();
};
const keysOf = (device: string) => `/internal/v1/devices/${device}/keys`;

describe('keys of a device', () => {
  it('are three at most, beside each other, by PEM or by certificate, each change told to gateways and written down', async () => {
    await ask('POST', '/internal/v1/devices', { id: 'jwt-1' });
    const certificate = execFileSync('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=unused', '-days', '2'],
    ]).toString();
    const first = await ask('POST', keysOf('jwt-1'), { key: publicPem() });
    expect([first.status, first.body]).toEqual([201, expect.objectContaining({ algorithm: 'ES256', expiresAt: null })]);
    const second = (await ask('POST', keysOf('jwt-1'), { key: certificate })).body as DeviceKey;
    expect(second.algorithm).toBe('RS256');
    expect(Date.parse(second.expiresAt ?? '') - Date.now()).toBeLessThan(2 * 86_400_000);
    const end = new Date(Date.now() + 3_600_000).toISOString();
    const third = (await ask('POST', keysOf('jwt-1'), { key: publicPem('rsa'), expiresAt: end })).body as DeviceKey;
    expect(third).toMatchObject({ algorithm: 'RS256', expiresAt: end });
    const fourth = await ask('POST', keysOf('jwt-1'), { key: publicPem() });
    expect([fourth.status, (fourth.body as Problem).detail]).toEqual([409, expect.stringContaining('has 3 keys')]);
    // One that is over makes place by itself.
    await stand.core.query("update device_keys set expires_at = now() - interval '1 minute' where id = $1", [third.id]);
    expect((await ask('POST', keysOf('jwt-1'), { key: publicPem() })).status).toBe(201);
    expect((await ask('DELETE', `${keysOf('jwt-1')}/${second.id}`)).status).toBe(204);
    expect((await ask('DELETE', `${keysOf('jwt-1')}/${second.id}`)).status).toBe(404);
    const listed = (await ask('GET', keysOf('jwt-1'))).body as { items: DeviceKey[] };
    const told = (await changes()).filter((c) => c.change === 'keys').at(-1);
    expect(told).toMatchObject({
      tenant: 'main',
      device: 'jwt-1',
      data: { keys: listed.items.map(({ id }) => ({ id })) },
    });
    const lines = await stand.core.query("select action from audit_log where target like 'jwt-1/%' order by id");
    expect(lines.rows.map(({ action }) => action)).toEqual([
      ...Array(3).fill('device-key.add'),
      'device-key.add',
      'device-key.remove',
    ]);
  });

  it.each([
    [
      'a private key',
      () =>
        generateKeyPairSync('ec', { namedCurve: 'P-256' })
          .privateKey.export({ type: 'pkcs8', format: 'pem' })
          .toString(),
      /PRIVATE KEY/,
    ],
    ['a short RSA key', () => publicPem('rsa', 1_024), /2048/],
    [
      'a P-384 key',
      () =>
        generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      /P-256/,
    ],
    ['two keys', () => publicPem() + publicPem(), /exactly one/],
    ['a damaged key', () => publicPem().replace('M', 'A'), /cannot be read/],
  ])('%s is refused', async (_, key, words) => {
    await ask('POST', '/internal/v1/devices', { id: 'jwt-2' });
    const answer = await ask('POST', keysOf('jwt-2'), { key: key() });
    expect([answer.status, (answer.body as Problem).detail]).toEqual([422, expect.stringMatching(words)]);
    expect(JSON.stringify(answer.body)).not.toContain('MIG');
  });

  it("another tenant's device has none to see or to change", async () => {
    const other = askAs(stand.service.port, 'other');
    expect((await other('GET', keysOf('jwt-1'))).status).toBe(404);
    expect((await other('POST', keysOf('jwt-1'), { key: publicPem() })).status).toBe(404);
  });
});

describe('log-in without a certificate', () => {
  const path = '/internal/v1/device-access';
  it('is off at first, and is what the tenant says from then on; an audience names one tenant', async () => {
    expect((await ask('GET', path)).body).toEqual({ jwt: false, audiences: [] });
    const put = await ask('PUT', path, { jwt: true, audiences: ['acme-project', 'acme-project'] });
    expect(put.body).toEqual({ jwt: true, audiences: ['acme-project'] });
    const other = askAs(stand.service.port, 'other');
    expect((await other('PUT', path, { jwt: true, audiences: ['acme-project'] })).status).toBe(409);
    expect((await other('GET', path)).body).toEqual({ jwt: false, audiences: [] });
    await ask('PUT', path, { jwt: true, audiences: [] });
    expect((await other('PUT', path, { jwt: true, audiences: ['acme-project'] })).status).toBe(200);
    const told = (await changes())
      .filter((c) => c.change === 'device-access')
      .map(({ tenant, data }) => [tenant, data]);
    expect(told).toEqual([
      ['main', { jwt: true, audiences: ['acme-project'] }],
      ['main', { jwt: true, audiences: [] }],
      ['other', { jwt: true, audiences: ['acme-project'] }],
    ]);
  });
});

describe('what gateways are told', () => {
  it('has for one of an older version what that knows, and no more', async () => {
    await ask('POST', '/internal/v1/devices/jwt-1/block', {});
    const old = await changes({});
    expect(new Set(old.map(({ change }) => change))).toEqual(new Set(['blocked']));
  });

  it('is compacted: of a device the newest keys stay, of a tenant what it allows now', async () => {
    const core = guardedCore(stand.core, guardStore({ name: 'core', concurrent: 4 }, quietLog));
    const state = async () => {
      const newest = new Map(
        (await changes()).map((c) => [`${c.tenant}/${c.device}/${c.change}`, JSON.stringify(c.data)]),
      );
      return [...newest].sort();
    };
    const before = await state();
    await stand.core.query("update identity_changes set at = now() - interval '8 days'");
    expect(await compactChanges(core)).toBeGreaterThan(0);
    expect(await state()).toEqual(before);
    const kinds = (await changes()).map(({ tenant, device, change }) => `${tenant}/${device}/${change}`);
    expect(new Set(kinds).size).toBe(kinds.length);
  });
});
