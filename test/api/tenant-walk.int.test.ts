import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seedIdentity } from '../../runtime/api/identity/seed.ts';
import { operations } from '../../runtime/contracts/http/index.ts';
import { type Operation, scopes } from '../../runtime/contracts/http/operation.ts';
import { createRoot } from '../../runtime/devices/authority/issuance.ts';
import { newCsr } from '../support/csr.ts';
import { testPool } from '../support/pool.ts';
import { secrets, startTestApi, type TestApi } from './harness.ts';

/**
 * Walks the whole OpenAPI document with a token that may do everything in another tenant, with the names of things that
 * exist in this one: nothing of it is seen, and nothing of it is changed.
 */
let api: TestApi;
let core: pg.Pool;
let ours: string;
let theirs: string;
const mark = 'walk-secret-7f3a';
const device = 'walk-device';

const tokenOf = async (client: string) => {
  const response = await fetch(`${api.url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${client}:${secrets.root}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
};
const ask = async (token: string, method: string, path: string, body?: unknown) => {
  const response = await fetch(`${api.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  return { status: response.status, text: await response.text() };
};
const make = async (method: string, path: string, body: unknown) => {
  const answer = await ask(ours, method, path, body);
  expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300);
  return JSON.parse(answer.text) as Record<string, unknown>;
};

/** Every row of every table that names a tenant, of tenant `main`, as text. */
async function everythingOfMain(): Promise<string> {
  const all: string[] = [];
  for (const url of [api.postgres.core, ...Object.values(api.postgres.shards)]) {
    const pool = testPool(url);
    const { rows: tables } = await pool.query<{ name: string }>(
      `select c.table_name as name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
       where c.table_schema = 'public' and c.column_name = 'tenant' and t.table_type = 'BASE TABLE'`,
    );
    for (const { name } of tables.filter(({ name }) => name !== 'tenant_usage')) {
      const { rows } = await pool.query(
        `select to_jsonb(t)::text as row from "${name}" t where tenant = 'main' order by 1`,
      );
      all.push(`${name}: ${rows.map(({ row }) => row).join('\n')}`);
    }
    await pool.end();
  }
  return all.join('\n');
}

beforeAll(async () => {
  api = await startTestApi({}, {}, 'real');
  core = testPool(api.postgres.core);
  ours = await tokenOf('root');
  const made = await ask(ours, 'POST', '/v1/tenants', {
    id: 'rival',
    name: 'Rival',
    administrator: 'eve@rival.example',
  });
  expect(made.status, made.text).toBe(201);
  await seedIdentity(api.postgres.core, {
    users: [],
    clients: [{ id: 'rival-root', secret: secrets.root, name: 'Rival', scopes: [...scopes], tenant: 'rival' }],
  });
  theirs = await tokenOf('rival-root');
}, 120_000);
afterAll(async () => {
  await core?.end();
  await api?.stop();
});

test('the document, with the token of another tenant: nothing is seen, nothing is changed', async () => {
  const type = 'walk-type';
  await make('PUT', `/v1/device-types/${type}`, {
    id: type,
    description: mark,
    metrics: { temperature: { type: 'number' } },
  });
  await make('POST', '/v1/devices', { id: device, name: mark, type, tags: [mark] });
  const { csr } = await newCsr(device);
  const issued = await make('POST', `/v1/devices/${device}/certificates`, { csr });
  const minted = await make('POST', '/v1/claim-codes', { tags: [mark] });
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const key = await make('POST', `/v1/devices/${device}/keys`, { key: pem });
  const maker = await make('POST', '/v1/factory-authorities', { name: mark, certificate: await selfSignedCa() });
  await make('PUT', '/v1/device-access', { jwt: true, audiences: [`${mark}-audience`] });
  await make('POST', '/v1/users', { email: `${mark}@iot.local`, role: 'viewer' });
  await make('POST', '/v1/clients', { id: mark, name: mark, scopes: ['platform:read'] });
  await make('PUT', `/v1/devices/${device}/twin/desired`, { secret: mark });
  const command = await make('POST', `/v1/devices/${device}/commands`, { name: 'reboot', payload: mark });
  const job = await make('POST', '/v1/command-jobs', { name: 'reboot', payload: mark, tag: 'of-nobody' });
  await expect
    .poll(async () => JSON.parse((await ask(ours, 'GET', `/v1/command-jobs/${job['id']}`)).text).status, {
      timeout: 20_000,
    })
    .toBe('finished');
  await expect // its row says so a moment later
    .poll(async () => (await core.query('select 1 from command_jobs where finished_at is null')).rowCount, {
      timeout: 20_000,
    })
    .toBe(0);
  const letter = '0199f0a0-0000-7000-8000-00000000beef';
  const params: Record<string, string> = {
    deviceId: device,
    typeId: type,
    serial: String(issued['serial']),
    claimCodeId: (minted['items'] as { id: string }[])[0]?.id ?? '',
    keyId: String(key['id']),
    authorityId: String(maker['id']),
    tenantId: 'main',
    email: `${mark}@iot.local`,
    clientId: mark,
    commandId: String(command['id']),
    jobId: String(job['id']),
    alertId: `0-${letter}`,
  };
  const bodies: Record<string, unknown> = {
    putDeviceType: { id: type, metrics: {} },
    createDevice: { id: 'rival-device' },
    addDeviceKey: { key: pem },
    putDeviceAccess: { jwt: true, audiences: [`${mark}-audience`] },
    putDesired: { secret: 'changed' },
    patchDesired: { secret: 'changed' },
    sendCommand: { name: 'reboot' },
    createCommandJob: { name: 'reboot', tag: 'of-nobody' },
    issueCertificate: { csr },
    createTenant: { id: 'rival-two', name: 'x', administrator: 'x@rival.example' },
    inviteUser: { email: `${mark}@iot.local`, role: 'admin' },
    updateUser: { role: 'admin' },
    createClient: { id: mark, name: 'x', scopes: ['admin'] },
  };
  const before = await everythingOfMain();
  const walked: string[] = [];
  for (const operation of operations as readonly Operation[]) {
    if (operation.success.contentType === 'text/event-stream') continue; // live.test.ts has the stream's tenants
    const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(params[name] ?? `${mark}-${name}`),
    );
    const query = operation.query === undefined ? '' : queryOf(operation);
    const body = operation.body === undefined ? undefined : (bodies[operation.id] ?? {});
    const answer = await ask(theirs, operation.method, `${path}${query}`, body);
    walked.push(`${operation.id} ${answer.status}`);
    // A problem repeats the names that were asked for; what stands behind the names is what nobody may see.
    const said = Object.values(params).reduce((text, name) => text.replaceAll(name, ''), answer.text);
    expect([operation.id, said]).toEqual([operation.id, expect.not.stringContaining(mark)]);
    expect([operation.id, answer.status], answer.text).toEqual([
      operation.id,
      expect.toSatisfy((status: number) => status < 500),
    ]);
    const named = Object.keys(operation.params?.shape ?? {});
    // `PUT` of a type makes one of the same name in the own tenant.
    if (named.length > 0 && operation.id !== 'putDeviceType')
      expect([operation.id, answer.status], answer.text).toEqual([
        operation.id,
        expect.toBeOneOf([400, 403, 404, 409, 412, 422]),
      ]);
  }
  expect(walked).toHaveLength(operations.length - 1);
  expect(await everythingOfMain()).toBe(before);
  // The names are good: their owner finds what is behind them.
  for (const path of [`/v1/devices/${device}`, `/v1/device-types/${type}`])
    expect((await ask(ours, 'GET', path)).text).toContain(mark);
}, 120_000);

async function selfSignedCa(): Promise<string> {
  const authority = await createRoot('Walk', 1, Date.now, randomBytes);
  return authority.certificate.toString('pem');
}

/** The query that an operation needs, with times of the last hour. */
function queryOf(operation: Operation): string {
  const now = Date.now();
  const known: Record<string, string> = {
    from: String(now - 3_600_000),
    to: String(now),
    metric: 'temperature',
    q: mark,
  };
  const needed = Object.entries(operation.query?.shape ?? {}).flatMap(([name, schema]) =>
    (schema as { safeParse(value: unknown): { success: boolean } }).safeParse(undefined).success
      ? []
      : [[name, known[name] ?? '1']],
  );
  return needed.length === 0 ? '' : `?${new URLSearchParams(needed as [string, string][])}`;
}
