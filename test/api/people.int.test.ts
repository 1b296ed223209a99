import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { seedIdentity } from '../../runtime/api/identity/seed.ts';
import { type Client, createClient } from '../../runtime/client/client.ts';
import { scopes } from '../../runtime/contracts/http/operation.ts';
import { testPool } from '../support/pool.ts';
import { secrets, startTestApi, type TestApi } from './harness.ts';

let api: TestApi;
let core: pg.Pool;
/** Machine client of the operator's tenant with every scope. */
let root: Client;
const rootSecret = secrets.root;

const clientOf = (id: string, secret: string, scope?: string) =>
  createClient({
    url: api.url,
    token: async () => {
      const response = await fetch(`${api.url}/oauth/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }),
      });
      return ((await response.json()) as { access_token: string }).access_token;
    },
  });
const join = (code: string, email: string, password: string) =>
  fetch(`${api.url}/oauth/invitation`, { method: 'POST', body: new URLSearchParams({ code, email, password }) });
const audited = async (tenant: string, action: string) =>
  (await core.query('select * from audit_log where tenant = $1 and action = $2 order by id', [tenant, action])).rows;

beforeAll(async () => {
  api = await startTestApi();
  core = testPool(api.postgres.core);
  root = clientOf('root', rootSecret);
  api.devices.answer = () => ({ status: 200, body: { devices: 7, connected: 0, blocked: 0 } });
}, 60_000);
afterAll(async () => {
  await core?.end();
  await api?.stop();
});

// Each test has the tries of an address again.
beforeEach(() => api.cache.redis.flushall());

describe('tenants', () => {
  test('one is made with an administrator who is invited, and can register devices at once', async () => {
    const made = await root.call('createTenant', {
      body: {
        id: 'acme',
        name: 'Acme',
        administrator: 'Ada@Acme.example',
        quotas: { devices: 10, messagesPerSecond: null, requestsPerSecond: null },
      },
    });
    expect(made.tenant).toMatchObject({ id: 'acme', quotas: { devices: 10, messagesPerSecond: null } });
    expect(made.invitation).toMatchObject({ email: 'ada@acme.example', role: 'admin' });
    expect((await core.query("select id from device_types where tenant = 'acme'")).rows).toEqual([{ id: 'generic' }]);
    expect(await audited('acme', 'tenant.create')).toMatchObject([{ subject: 'root', target: 'acme', before: null }]);
    await expect(
      root.call('createTenant', { body: { id: 'acme', name: 'Acme', administrator: 'b@acme.example' } }),
    ).rejects.toMatchObject({ status: 409 });
  });

  test('quotas change one by one; those of who operates the platform do not exist', async () => {
    const changed = await root.call('updateTenant', {
      params: { tenantId: 'acme' },
      body: { quotas: { messagesPerSecond: 50 } },
    });
    expect(changed.quotas).toEqual({ devices: 10, messagesPerSecond: 50, requestsPerSecond: null });
    expect(await audited('acme', 'tenant.update')).toMatchObject([
      { before: { quotas: { messagesPerSecond: null } }, after: { quotas: { messagesPerSecond: 50 } } },
    ]);
    await expect(
      root.call('updateTenant', { params: { tenantId: 'main' }, body: { quotas: { devices: 1 } } }),
    ).rejects.toMatchObject({ status: 409 });
    await expect(
      root.call('updateTenant', { params: { tenantId: 'nobody' }, body: { name: 'x' } }),
    ).rejects.toMatchObject({ status: 404 });
  });

  test('are listed in pages, and the own one says what was used', async () => {
    await root.call('createTenant', { body: { id: 'beta', name: 'Beta', administrator: 'b@beta.example' } });
    const first = await root.call('listTenants', { query: { limit: 2 } });
    expect(first.items.map(({ id }) => id)).toEqual(['acme', 'beta']);
    const second = await root.call('listTenants', { query: { limit: 2, cursor: first.next ?? '' } });
    expect([second.items.map(({ id }) => id), second.next]).toEqual([['main'], null]);
    await core.query(
      `insert into tenant_usage (tenant, minute, gateway, messages, throttled_ms, connections) values
       ('main', date_trunc('minute', now()), 'g1', 30, 1500, 1), ('main', date_trunc('minute', now()), 'g2', 12, 0, 1),
       ('main', now() - interval '2 hours', 'g1', 1000, 1000, 1)`,
    );
    expect(await root.call('getTenant')).toMatchObject({
      id: 'main',
      usage: { devices: 7, messagesLastHour: 42, throttledSecondsLastHour: 1.5 },
    });
  });
});

describe('people', () => {
  test('an invitation becomes a log-in once, for that address only; the person has the role and the tenant', async () => {
    const { invitation } = await root.call('createTenant', {
      body: { id: 'gamma', name: 'Gamma', administrator: 'eve@gamma.example' },
    });
    const password = 'a good long password';
    const page = await (await fetch(invitation.url)).text();
    expect(page).toContain('Choose this password');
    expect((await join(invitation.code, 'mallory@gamma.example', password)).status).toBe(401);
    expect((await join(invitation.code, 'eve@gamma.example', 'short')).status).toBe(422);
    expect((await join(invitation.code.toLowerCase().replaceAll('-', ' '), 'eve@gamma.example', password)).status).toBe(
      201,
    );
    expect((await join(invitation.code, 'eve@gamma.example', password)).status).toBe(401);
    const { rows } = await core.query("select tenant, role from users where email = 'eve@gamma.example'");
    expect(rows).toEqual([{ tenant: 'gamma', role: 'admin' }]);
    expect(await audited('gamma', 'user.join')).toMatchObject([{ subject: 'eve@gamma.example' }]);
    expect(api.logText()).not.toContain(invitation.code);
  });

  test('inviting again ends the first code; an address of another tenant can not be invited', async () => {
    const first = await root.call('inviteUser', { body: { email: 'new@main.example', role: 'viewer' } });
    const second = await root.call('inviteUser', { body: { email: 'new@main.example', role: 'operator' } });
    expect((await join(first.code, 'new@main.example', 'a good long password')).status).toBe(401);
    expect((await join(second.code, 'new@main.example', 'a good long password')).status).toBe(201);
    for (const email of ['eve@gamma.example', 'ada@acme.example'])
      await expect(root.call('inviteUser', { body: { email, role: 'viewer' } })).rejects.toMatchObject({ status: 409 });
    const users = await root.call('listUsers', { query: { limit: 500 } });
    expect(users.items.map(({ email, role, status }) => [email, role, status])).toEqual([
      ['admin@iot.local', 'admin', 'active'],
      ['new@main.example', 'operator', 'active'],
      ['viewer@iot.local', 'viewer', 'active'],
    ]);
  });

  test('an expired invitation is worth nothing', async () => {
    const { code } = await root.call('inviteUser', { body: { email: 'late@main.example', role: 'viewer' } });
    await core.query(
      "update invitations set expires_at = now() - interval '1 second' where email = 'late@main.example'",
    );
    expect((await join(code, 'late@main.example', 'a good long password')).status).toBe(401);
  });

  test('the last administrator stays: neither removed nor made less; two who remove each other do not both go', async () => {
    const admin = { params: { email: 'admin@iot.local' } };
    await expect(root.call('removeUser', admin)).rejects.toMatchObject({ status: 409 });
    await expect(root.call('updateUser', { ...admin, body: { role: 'viewer' } })).rejects.toMatchObject({
      status: 409,
    });
    await root.call('updateUser', { params: { email: 'new@main.example' }, body: { role: 'admin' } });
    const both = await Promise.allSettled([
      root.call('removeUser', admin),
      root.call('removeUser', { params: { email: 'new@main.example' } }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const { rows } = await core.query("select count(*)::int as n from users where tenant = 'main' and role = 'admin'");
    expect(rows[0]).toEqual({ n: 1 });
  });

  test('inviting the only administrator lets that person choose a new password, and nothing else', async () => {
    const only = { email: 'eve@gamma.example', password: 'another good password' };
    await seedIdentity(api.postgres.core, {
      users: [],
      clients: [{ id: 'gamma-root', secret: rootSecret, name: 'Gamma', scopes: ['admin'], tenant: 'gamma' }],
    });
    await core.query(
      `insert into oauth_state (model, id, payload) values ('Session', 's2', '{"accountId":"eve@gamma.example"}')`,
    );
    const hash = async () =>
      (await core.query('select role, password_hash from users where email = $1', [only.email])).rows[0];
    const before = await hash();
    const { code } = await clientOf('gamma-root', rootSecret).call('inviteUser', {
      body: { email: only.email, role: 'viewer' },
    });
    expect((await join(code, only.email, only.password)).status).toBe(201);
    const after = await hash();
    expect([after.role, after.password_hash === before.password_hash]).toEqual(['admin', false]);
    expect((await core.query("select id from oauth_state where id = 's2'")).rows).toEqual([]);
  });

  test('removing a person ends what that person is logged in with', async () => {
    await core.query(
      `insert into oauth_state (model, id, payload) values ('Session', 's1', '{"accountId":"viewer@iot.local"}')`,
    );
    await root.call('removeUser', { params: { email: 'viewer@iot.local' } });
    expect((await core.query("select id from oauth_state where id = 's1'")).rows).toEqual([]);
    expect(await audited('main', 'user.remove')).toContainEqual(
      expect.objectContaining({ target: 'viewer@iot.local', subject: 'root' }),
    );
    await expect(root.call('removeUser', { params: { email: 'viewer@iot.local' } })).rejects.toMatchObject({
      status: 404,
    });
  });
});

describe('machines', () => {
  test('a client is made with a secret that is shown once, works, and ends when removed', async () => {
    const made = await root.call('createClient', { body: { id: 'line-1', name: 'Line', scopes: ['platform:read'] } });
    const line = clientOf('line-1', made.secret);
    expect(await line.call('whoAmI')).toMatchObject({ subject: 'line-1', tenant: 'main', scopes: ['platform:read'] });
    expect(JSON.stringify(await root.call('listClients', { query: {} }))).not.toContain(made.secret);
    expect(JSON.stringify(await audited('main', 'client.create'))).not.toContain(made.secret);
    await root.call('removeClient', { params: { clientId: 'line-1' } });
    await expect(line.call('whoAmI')).rejects.toMatchObject({ status: 401 });
    await expect(
      root.call('createClient', { body: { id: 'root', name: 'x', scopes: ['admin'] } }),
    ).rejects.toMatchObject({ status: 409 });
  });

  test('nobody makes a client that may more than he may', async () => {
    const narrow = clientOf('root', rootSecret, 'admin');
    await expect(
      narrow.call('createClient', { body: { id: 'wide', name: 'Wide', scopes: ['admin', 'devices:write'] } }),
    ).rejects.toMatchObject({ status: 409, message: expect.stringContaining('devices:write') });
  });
});

describe('another tenant', () => {
  test('has no business with tenants, whatever its token says, and sees none of the people, machines and lines of others', async () => {
    await seedIdentity(api.postgres.core, {
      users: [],
      clients: [{ id: 'acme-root', secret: rootSecret, name: 'Acme', scopes: [...scopes], tenant: 'acme' }],
    });
    const acme = clientOf('acme-root', rootSecret);
    await expect(acme.call('listTenants', { query: {} })).rejects.toMatchObject({ status: 403 });
    await expect(
      acme.call('updateTenant', { params: { tenantId: 'acme' }, body: { quotas: { devices: null } } }),
    ).rejects.toMatchObject({ status: 403 });
    expect((await acme.call('listUsers', { query: {} })).items.map(({ email }) => email)).toEqual(['ada@acme.example']);
    expect((await acme.call('listClients', { query: {} })).items.map(({ id }) => id)).toEqual(['acme-root']);
    for (const { target } of (await acme.call('listAudit', { query: {} })).items)
      expect(['acme', 'ada@acme.example']).toContain(target);
    await expect(acme.call('removeClient', { params: { clientId: 'root' } })).rejects.toMatchObject({ status: 404 });
    await expect(acme.call('removeUser', { params: { email: 'eve@gamma.example' } })).rejects.toMatchObject({
      status: 404,
    });
  });

  test('with a request quota is held to it, all its clients together; others are not', async () => {
    await root.call('updateTenant', { params: { tenantId: 'beta' }, body: { quotas: { requestsPerSecond: 1 } } });
    await seedIdentity(api.postgres.core, {
      users: [],
      clients: ['b1', 'b2'].map((id) => ({
        id,
        secret: rootSecret,
        name: id,
        scopes: ['platform:read' as const],
        tenant: 'beta',
      })),
    });
    const tokens = await Promise.all(
      ['b1', 'b2'].map(async (id) => {
        const response = await fetch(`${api.url}/oauth/token`, {
          method: 'POST',
          headers: { authorization: `Basic ${Buffer.from(`${id}:${rootSecret}`).toString('base64')}` },
          body: new URLSearchParams({ grant_type: 'client_credentials' }),
        });
        return ((await response.json()) as { access_token: string }).access_token;
      }),
    );
    await api.api.readQuotas();
    api.time.frozen = Date.now();
    try {
      const answers: Response[] = [];
      for (const token of [...tokens, ...tokens])
        answers.push(await fetch(`${api.url}/v1/whoami`, { headers: { authorization: `Bearer ${token}` } }));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 429]);
      expect(answers[3]?.headers.get('ratelimit')).toContain('tenant');
      expect(await answers[3]?.json()).toMatchObject({ detail: expect.stringContaining('this tenant') });
      expect(await root.call('whoAmI')).toMatchObject({ tenant: 'main' });
    } finally {
      api.time.frozen = undefined;
    }
  });
});

describe('the audit log', () => {
  test('is read by filters and pages, newest first', async () => {
    const page = await root.call('listAudit', { query: { action: 'user.invite', limit: 1 } });
    expect(page.items).toHaveLength(1);
    expect(page.items[0]).toMatchObject({
      action: 'user.invite',
      subject: 'root',
      trace: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    const next = await root.call('listAudit', { query: { action: 'user.invite', limit: 1, cursor: page.next ?? '' } });
    expect(Number(next.items[0]?.id)).toBeLessThan(Number(page.items[0]?.id));
    expect((await root.call('listAudit', { query: { to: '2020-01-01T00:00:00Z' } })).items).toEqual([]);
    expect((await root.call('listAudit', { query: { subject: 'nobody' } })).items).toEqual([]);
  });

  test.each(['update audit_log set subject = $$x$$', 'delete from audit_log', 'truncate audit_log'])(
    'only grows: the owner himself is refused %s',
    async (statement) => {
      await expect(core.query(statement)).rejects.toThrow('the audit log only grows');
    },
  );
});
