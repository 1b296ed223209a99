import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ImportResult } from '../../runtime/contracts/http/device-import.ts';
import type { IdentityChanges } from '../../runtime/contracts/http/index.ts';
import { deviceTypesChangedChannel } from '../../runtime/platform/cache/keys.ts';
import { type Ask, askAs, askDevicesAs } from '../support/internal.ts';
import { type DevicesStand, devicesStand, until } from './harness.ts';

let stand: DevicesStand;
let ask: Ask;
beforeAll(async () => {
  stand = await devicesStand();
  ask = askAs(stand.service.port);
});
afterAll(() => stand?.stop());

const imported = async (rows: readonly unknown[], existing = 'refuse') => {
  const { status, text, body } = await ask('POST', '/internal/v1/device-imports', { existing, rows });
  expect(status, text).toBe(200);
  return (body as ImportResult).items;
};
const stored = async (prefix: string) => {
  const { rows } = await stand.core.query(
    'select id, name, type, tags, status, blocked_reason as why from devices where id like $1 order by id',
    [`${prefix}%`],
  );
  return rows;
};
const lines = async (prefix: string) => {
  const { rows } = await stand.core.query(
    'select action, target, subject, before, after from audit_log where target like $1 order by id',
    [`${prefix}%`],
  );
  return rows;
};
const changes = async () =>
  (await askDevicesAs('gateway', stand.service.port)('GET', '/internal/identity-changes?after=0&limit=5000'))
    .body as IdentityChanges;

it('makes devices as the rows say, writes each down, and the same rows again change nothing', async () => {
  const rows = [
    { id: 'imp-a1', name: 'One', tags: ['east', 'east', 'floor-2'] },
    { id: 'imp-a2', status: 'blocked', blockedReason: 'in stock' },
    { id: 'imp-a3', type: 'no-such' },
    { id: 'im' },
  ];
  const heard: string[] = [];
  const silent = stand.cache.subscribe(deviceTypesChangedChannel(), {
    onMessage: (message) => void heard.push(message),
  });
  expect(await imported(rows)).toMatchObject([
    { row: 1, id: 'imp-a1', result: 'created' },
    { row: 2, id: 'imp-a2', result: 'created' },
    { row: 3, id: 'imp-a3', result: 'invalid', reason: expect.stringContaining("no device type 'no-such'") },
    { row: 4, id: 'im', result: 'invalid' },
  ]);
  expect(await stored('imp-a')).toEqual([
    { id: 'imp-a1', name: 'One', type: 'generic', tags: ['east', 'floor-2'], status: 'active', why: null },
    { id: 'imp-a2', name: 'imp-a2', type: 'generic', tags: [], status: 'blocked', why: 'in stock' },
  ]);
  const written = await lines('imp-a');
  expect(written).toMatchObject([
    { action: 'device.create', target: 'imp-a1', subject: 'tester@example.com', before: null, after: { name: 'One' } },
    { action: 'device.create', target: 'imp-a2', after: { status: 'blocked' } },
  ]);
  expect((await changes()).changes.filter(({ device }) => device.startsWith('imp-a'))).toMatchObject([
    { device: 'imp-a2', change: 'blocked' },
  ]);
  expect((await imported(rows)).slice(0, 2).map(({ result }) => result)).toEqual(['unchanged', 'unchanged']);
  expect(await lines('imp-a')).toEqual(written);
  await until('processors were told', () => heard.length > 0);
  silent();
});

it('leaves what has other values, or changes it when told, with before and after', async () => {
  await imported([{ id: 'imp-b1', name: 'One', tags: ['east'] }]);
  const row = { id: 'imp-b1', tags: [], status: 'blocked' };
  expect(await imported([row])).toMatchObject([
    {
      result: 'conflict',
      reason: 'tags: the device has ["east"], the row []; status: the device has "active", the row "blocked"',
    },
  ]);
  expect(await stored('imp-b')).toMatchObject([{ tags: ['east'], status: 'active' }]);
  expect(await imported([row], 'update')).toMatchObject([{ result: 'updated' }]);
  expect(await stored('imp-b')).toMatchObject([{ name: 'One', tags: [], status: 'blocked', why: 'by import' }]);
  expect((await lines('imp-b')).at(-1)).toMatchObject({
    action: 'device.update',
    before: { tags: ['east'], status: 'active' },
    after: { tags: [], status: 'blocked' },
  });
  expect(await imported([{ id: 'imp-b1', status: 'active' }], 'update')).toMatchObject([{ result: 'updated' }]);
  expect(await stored('imp-b')).toMatchObject([{ status: 'active', why: null }]);
  expect((await changes()).changes.filter(({ device }) => device === 'imp-b1').map(({ change }) => change)).toEqual([
    'blocked',
    'unblocked',
  ]);
});

it('of the same devices at once makes each once; one call is all or nothing where the quota is used up', async () => {
  const rows = Array.from({ length: 200 }, (_, i) => ({ id: `imp-c${String(i).padStart(3, '0')}` }));
  const all = await Promise.all([imported(rows), imported([...rows].reverse()), imported(rows)]);
  expect(await stored('imp-c')).toHaveLength(200);
  expect(await lines('imp-c')).toHaveLength(200);
  expect(all.flat().filter(({ result }) => result === 'created')).toHaveLength(200);
  await stand.core.query(
    "update tenants set quota_devices = (select count(*) from devices where tenant = 'main') + 3 where id = 'main'",
  );
  const over = await ask('POST', '/internal/v1/device-imports', {
    rows: Array.from({ length: 5 }, (_, i) => ({ id: `imp-d${i}` })),
  });
  expect([over.status, over.text]).toEqual([409, expect.stringContaining('Quota used up')]);
  expect(await stored('imp-d')).toEqual([]);
  expect((await imported([{ id: 'imp-d1' }, { id: 'imp-d2' }])).map(({ result }) => result)).toEqual([
    'created',
    'created',
  ]);
});

it('takes 500 rows a call, and no field that it does not know', async () => {
  const many = await ask('POST', '/internal/v1/device-imports', { rows: Array.from({ length: 501 }, () => ({})) });
  expect(many.status).toBe(400);
  expect((await ask('POST', '/internal/v1/device-imports', { rows: [] })).status).toBe(400);
  expect(await imported([{ id: 'imp-e1', tenant: 'other' }])).toMatchObject([
    { result: 'invalid', reason: expect.stringContaining('tenant: unknown field') },
  ]);
});
