import { createHash, randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type {
  BulkResult,
  DeadLetter,
  DeadLetterDetail,
  DeadLetterSummary,
} from '../../runtime/contracts/http/dead-letters.ts';
import { until } from '../devices/harness.ts';
import { takeAway } from '../support/database-away.ts';
import { type Ask, askAs } from '../support/internal.ts';
import { type TelemetryStand, telemetryStand } from './harness.ts';

type Page = { items: DeadLetter[]; next: string | null; degraded?: { missingShards?: number[] } };

let stand: TelemetryStand;
let ask: Ask;
let other: Ask;
let core: pg.Pool;
beforeAll(async () => {
  stand = await telemetryStand();
  ask = askAs(stand.service.port);
  other = askAs(stand.service.port, 'other');
  core = new pg.Pool({ connectionString: stand.postgres.core, max: 1 });
  core.on('error', () => undefined); // a test takes the database away
});
afterAll(async () => {
  await core?.end();
  await stand?.stop();
});

const root = '/internal/v1/dead-letters';
const replays = '/internal/v1/dead-letter-replays';
const discards = '/internal/v1/dead-letter-discards';
const summaryPath = '/internal/v1/dead-letter-summary';
const bury = async (device: string, at: number, payload: string | Buffer, reason = 'schema') => {
  const id = createHash('sha256').update(randomUUID()).digest('hex').slice(0, 32);
  await stand.poolOf(device).query(
    `insert into dead_letters (tenant, id, device_id, reason, detail, payload, message, received_at, created_at)
     values ('main', $1, $2, $3, 'why', $4, 'message', now(), to_timestamp($5::float8 / 1000))`,
    [id, device, reason, Buffer.from(payload), at],
  );
  return id;
};
const hashes = (letters: readonly { id: string }[]) => letters.map(({ id }) => id.slice(id.indexOf('-') + 1)).sort();
const listed = async (query: Record<string, string | number>, each?: () => Promise<unknown>) => {
  const items: DeadLetter[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const all = Object.entries({ ...query, ...(cursor === '' ? {} : { cursor }) }).map(([k, v]) => [k, String(v)]);
    const { status, text, body } = await ask('GET', `${root}?${new URLSearchParams(all)}`);
    expect(status, text).toBe(200);
    items.push(...(body as Page).items);
    cursor = (body as Page).next;
    await each?.();
  }
  return items;
};
const idOf = async (hash: string) => {
  const found = (await listed({})).find(({ id }) => id.endsWith(hash));
  if (found === undefined) throw new Error(`letter ${hash} is not listed`);
  return found.id;
};
/** What the processor does with letters that were asked for. */
const processed = (device: string, status: 'replayed' | 'open') =>
  stand
    .poolOf(device)
    .query(
      "update dead_letters set status = $1, version = version + 1, attempts = attempts + 1 where status = 'replaying'",
      [status],
    );
const auditOf = async (target: string) =>
  (
    await core.query('select tenant, subject, action, before, after from audit_log where target = $1 order by id', [
      target,
    ])
  ).rows;

it('is listed newest first over all shards, each once, without what devices sent', async () => {
  const base = Date.now() - 3_600_000;
  const ids: string[] = [];
  for (let n = 0; n < 20; n++)
    ids.push(
      await bury(
        stand.deviceIn(n % 2 === 0 ? 'shard_a' : 'shard_b', `dead-${n}`),
        base - Math.floor(n / 3),
        `{"n":${n}}`,
        n < 10 ? 'schema' : 'clock',
      ),
    );
  const all = await listed({ limit: 3 }, () => bury('dead-new', Date.now(), 'x'));
  expect(hashes(all)).toEqual([...ids].sort());
  expect(JSON.stringify(all)).not.toContain('"n":');
  expect(all[0]).toMatchObject({ status: 'open', attempts: 0, version: 1, edited: false, bytes: 7 });
  expect(hashes(await listed({ reason: 'clock', limit: 4 }))).toEqual(ids.slice(10).sort());
  expect(hashes(await listed({ from: base - 1, to: base }))).toEqual(ids.slice(3, 6).sort());
  expect(await listed({ status: 'replayed' })).toEqual([]);
  expect(((await other('GET', root)).body as Page).items).toEqual([]);
});

it('is shown with its payload as text and as bytes; not to another tenant, nor under another shard', async () => {
  const device = stand.deviceIn('shard_a', 'shown');
  const id = await idOf(await bury(device, Date.now(), Buffer.from([0xff, 0xfe])));
  const { body } = await ask('GET', `${root}/${id}`);
  expect(body).toMatchObject({
    id,
    device,
    payload: { bytes: 2, text: null, base64: '//4=', truncated: false },
    edit: null,
    place: null,
    transformed: false,
    outcome: null,
  });
  expect((await other('GET', `${root}/${id}`)).status).toBe(404);
  const [shard, hash] = id.split('-') as [string, string];
  expect((await ask('GET', `${root}/${(Number(shard) + 2) % 64}-${hash}`)).status).toBe(404);
  expect((await ask('GET', `${root}/9999-${hash}`)).status).toBe(404);
  expect((await ask('GET', `${root}/${encodeURIComponent("1-' or 1=1")}`)).status).toBe(400);
});

it('is edited beside the original, by who saw it last, and the audit log has both', async () => {
  const device = stand.deviceIn('shard_b', 'edited');
  const id = await idOf(await bury(device, Date.now(), '{"t":900}'));
  const edit = (body: object) => ask('PUT', `${root}/${id}/payload`, body);
  const first = await edit({ version: 1, payload: '{"t":9}' });
  expect(first.status, first.text).toBe(200);
  expect(first.body).toMatchObject({
    status: 'open',
    version: 2,
    payload: { text: '{"t":900}' },
    edit: { text: '{"t":9}' },
    changedBy: 'tester@example.com',
  });
  const late = await edit({ version: 1, payload: '{"t":8}' });
  expect([late.status, late.text]).toEqual([409, expect.stringContaining('the letter is at version 2')]);
  expect((await edit({ version: 2, payload: '???', encoding: 'base64' })).status).toBe(400);
  expect((await edit({ version: 2, payload: 'x'.repeat(256 * 1024 + 1) })).text).toContain('at most 262144');
  const largest = await edit({
    version: 2,
    payload: Buffer.alloc(256 * 1024, 1).toString('base64'),
    encoding: 'base64',
  });
  expect(largest.status, largest.text.slice(0, 200)).toBe(200);
  expect((await edit({ version: 3, payload: '{"t":900}' })).body).toMatchObject({
    version: 4,
    edit: null,
    edited: false,
  });
  expect(await auditOf(id)).toMatchObject([
    {
      tenant: 'main',
      subject: 'tester@example.com',
      action: 'dead-letter.edit',
      before: { version: 1, edit: null },
      after: { version: 2, edit: { bytes: 7, text: '{"t":9}' } },
    },
    { before: { edit: { text: '{"t":9}' } }, after: { edit: { bytes: 262_144 } } },
    { before: { edit: { bytes: 262_144 } }, after: { edit: null } },
  ]);
});

it('is asked for once however often, and can be neither edited nor discarded meanwhile', async () => {
  const device = stand.deviceIn('shard_a', 'replayed');
  const id = await idOf(await bury(device, Date.now(), '{"t":900}'));
  const replay = async () => (await ask('POST', `${root}/${id}/replay`)).body as DeadLetterDetail;
  expect(await replay()).toMatchObject({ status: 'replaying', version: 2 });
  expect(await replay()).toMatchObject({ status: 'replaying', version: 2 });
  expect((await ask('PUT', `${root}/${id}/payload`, { version: 2, payload: '1' })).status).toBe(409);
  expect((await ask('POST', `${root}/${id}/discard`, { because: 'no' })).status).toBe(409);
  await processed(device, 'replayed');
  expect(await replay()).toMatchObject({ status: 'replayed', version: 3 });
  expect((await ask('POST', `${root}/${id}/discard`, { because: 'no' })).text).toContain('this one is replayed');
  expect(await auditOf(id)).toMatchObject([
    { action: 'dead-letter.replay', before: { status: 'open' }, after: { status: 'replaying' } },
  ]);
});

it('is discarded with a reason, and may still be replayed', async () => {
  const device = stand.deviceIn('shard_a', 'discarded');
  const id = await idOf(await bury(device, Date.now(), '{"t":900}'));
  expect((await ask('POST', `${root}/${id}/discard`, {})).status).toBe(400);
  const discarded = await ask('POST', `${root}/${id}/discard`, { because: 'a test device' });
  expect(discarded.body).toMatchObject({
    status: 'discarded',
    outcome: { result: 'discarded', because: 'a test device' },
  });
  expect((await ask('POST', `${root}/${id}/discard`, { because: 'again' })).body).toEqual(discarded.body);
  expect((await ask('POST', `${root}/${id}/replay`)).body).toMatchObject({ status: 'replaying', outcome: null });
  await processed(device, 'open');
});

it('goes in bulk by filter, a share a call, each once under a batch, also when it fails again', async () => {
  const devices = [stand.deviceIn('shard_a', 'bulk'), stand.deviceIn('shard_b', 'bulk')] as const;
  for (let n = 0; n < 30; n++) await bury(devices[n % 2] as string, Date.now() - 1_000 * n, `{"n":${n}}`, 'transform');
  const call = async (limit: number) => {
    const { status, text, body } = await ask('POST', replays, {
      batch: 'b-1',
      filter: { reason: 'transform' },
      limit,
    });
    expect(status, text).toBe(200);
    return body as BulkResult;
  };
  expect(await call(12)).toEqual({ batch: 'b-1', changed: 12, remaining: 18 });
  for (const device of devices) await processed(device, 'open');
  expect(await call(12)).toEqual({ batch: 'b-1', changed: 12, remaining: 6 });
  expect(await call(12)).toEqual({ batch: 'b-1', changed: 6, remaining: 0 });
  expect(await call(12)).toEqual({ batch: 'b-1', changed: 0, remaining: 0 });
  const summary = async () => (await ask('GET', `${summaryPath}?batch=b-1`)).body as DeadLetterSummary;
  expect(await summary()).toMatchObject({ open: 12, replaying: 18, replayed: 0 });
  for (const device of devices) await processed(device, 'replayed');
  expect(await summary()).toMatchObject({
    open: 12,
    replaying: 0,
    replayed: 18,
    reasons: [{ reason: 'transform', open: 12 }],
  });
  expect(hashes(await listed({ batch: 'b-1', status: 'open' }))).toHaveLength(12);
  const lines = await auditOf('b-1');
  expect(lines.map((line) => line.after.ids.length)).toEqual([12, 12, 6]);
  expect(new Set(lines.flatMap((line) => line.after.ids)).size).toBe(30);
  const put = await ask('POST', discards, { batch: 'b-2', filter: { reason: 'transform' }, because: 'noise' });
  expect(put.body).toEqual({ batch: 'b-2', changed: 12, remaining: 0 });
  expect((await other('POST', replays, { batch: 'b-3', filter: {} })).body).toMatchObject({ changed: 0 });
  expect((await ask('POST', replays, { batch: 'b-3', filter: { resaon: 'clock' } })).status).toBe(400);
});

it('changes nothing while the audit log is away', async () => {
  const id = await idOf(await bury(stand.deviceIn('shard_a', 'unaudited'), Date.now(), '{"t":900}'));
  const back = await takeAway(stand.postgres, 'core');
  try {
    expect((await ask('POST', `${root}/${id}/discard`, { because: 'x' })).status).toBe(503);
    expect((await ask('GET', `${root}/${id}`)).body).toMatchObject({ status: 'open' });
  } finally {
    await back();
  }
});

it('of the other shards goes on while one is away, and every answer names what is missing', async () => {
  const here = await bury(stand.deviceIn('shard_a', 'away'), Date.now() - 10, 'x', 'rejected');
  const gone = await bury(stand.deviceIn('shard_b', 'away'), Date.now(), 'x', 'rejected');
  const goneId = await idOf(gone);
  const back = await takeAway(stand.postgres, 'shard_b');
  try {
    const page = (await ask('GET', `${root}?reason=rejected`)).body as Page;
    expect(hashes(page.items)).toEqual([here]);
    expect(page.degraded?.missingShards?.length).toBe(32);
    const bulk = (await ask('POST', discards, { batch: 'b-4', filter: { reason: 'rejected' }, because: 'x' }))
      .body as BulkResult;
    expect(bulk).toMatchObject({ changed: 1, degraded: { missingShards: expect.any(Array) } });
    expect((await ask('GET', `${root}/${goneId}`)).status).toBe(503);
    expect((await ask('GET', summaryPath)).body).toMatchObject({
      degraded: { missingShards: expect.any(Array) },
    });
  } finally {
    await back();
  }
  // The breaker of a shard that was away lets a call try after a second.
  const again = async () =>
    (await ask('POST', discards, { batch: 'b-4', filter: { reason: 'rejected' }, because: 'x' })).body as BulkResult;
  let result = await again();
  await until('the shard is back', async () => {
    if (result.degraded !== undefined) result = await again();
    return result.degraded === undefined;
  });
  expect(result).toMatchObject({ changed: 1, remaining: 0 });
});
