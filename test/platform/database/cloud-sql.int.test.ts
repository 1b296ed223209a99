import { readFile, writeFile } from 'node:fs/promises';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPool } from '../../../runtime/platform/database/pool.ts';
import { type GoogleServer, refusal, startGoogle } from '../../support/google/server.ts';
import { sqlApi } from '../../support/google/sqladmin.ts';
import { type TestPostgres, testPostgres } from '../../support/postgres.ts';

const instance = { project: 'my-project', region: 'europe-west1', name: 'iot-dev-core-1a2b' };
const user = 'iot-dev-devices@my-project.iam';
const url = `cloudsql:${instance.project}:${instance.region}:${instance.name}/core?user=${user}`;

let postgres: TestPostgres;
let sql: Awaited<ReturnType<typeof sqlApi>>;
let google: GoogleServer;
const lines: string[] = [];
const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });

beforeAll(async () => {
  postgres = await testPostgres({ shards: ['shard_a'] });
  const admin = new pg.Client({ connectionString: postgres.core });
  await admin.connect();
  await admin.query(`create role "${user}" login; grant connect on database core to "${user}"`);
  // The instance lets an IAM user in by its certificate; this Postgres sees a connection of loopback.
  const { rows } = await admin.query<{ hba_file: string }>('show hba_file');
  const file = rows[0]?.hba_file as string;
  await writeFile(file, `host all "${user}" 127.0.0.1/32 trust\n${await readFile(file, 'utf8')}`);
  await admin.query('select pg_reload_conf()');
  await admin.end();
  sql = await sqlApi(instance, postgres.port);
}, 60_000);
afterAll(async () => {
  await sql?.stop();
  await postgres?.stop();
});
beforeEach(async () => {
  google = await startGoogle([sql.api]);
  sql.of(google);
  lines.length = 0;
  return () => google.stop();
});

function open(options: { max?: number; connectMs?: number } = {}): pg.Pool {
  const { max = 2, connectMs = 10_000 } = options;
  return createPool(
    { name: 'core', url, google: google.endpoint, application: 'test', max, connectMs, statementMs: 5_000 },
    log,
  );
}
const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no failure',
    (error: Error) => error.message,
  );

describe('a pool by the Cloud SQL connector', () => {
  it('is the service account in the database, over mutual TLS, by PSC, without a password', async () => {
    const pool = open();
    const { rows } = await pool.query<{ user: string; db: string }>(
      'select current_user as user, current_database() as db',
    );
    expect(rows).toEqual([{ user, db: 'core' }]);
    const [asked] = google.of(':generateEphemeralCert');
    const body = asked?.body as { access_token: string; public_key: string };
    expect(google.tokens.issued).toContain(body.access_token);
    expect(body.public_key).toContain('BEGIN');
    expect(asked?.headers['authorization']).toMatch(/^Bearer ya29\./);
    await pool.end();
  });

  it('keeps its bounds: two connections at most, and one certificate for both', async () => {
    const pool = open();
    await Promise.all(Array.from({ length: 10 }, () => pool.query('select pg_sleep(0.01)')));
    expect(pool.totalCount).toBe(2);
    expect(google.of(':generateEphemeralCert')).toHaveLength(1);
    await pool.end();
  });

  it('comes back after the connection broke in mid-stream', async () => {
    const pool = open({ max: 1 });
    await pool.query('select 1');
    const long = failure(pool.query('select pg_sleep(5)'));
    await vi.waitFor(async () => expect(pool.idleCount).toBe(0));
    sql.cut();
    expect(await long).toMatch(/terminated|ECONNRESET|closed/i);
    await vi.waitFor(async () => expect((await pool.query('select 2 as two')).rows).toEqual([{ two: 2 }]), 10_000);
    await pool.end();
  });

  it('says which instance, and no token, when Google refuses; and connects once it may', async () => {
    const pool = open();
    google.fail('/connectSettings', refusal(403, 'NOT_AUTHORIZED', 'The client is not authorized'), 1);
    const said = await failure(pool.query('select 1'));
    expect(said).toContain(`no way to Cloud SQL instance ${instance.project}:${instance.region}:${instance.name}`);
    await vi.waitFor(async () => expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]), 10_000);
    for (const token of google.tokens.issued) expect(said + lines.join('')).not.toContain(token);
    await pool.end();
  });

  it('waits for Google no longer than for a connection', async () => {
    const pool = open({ connectMs: 300 });
    google.fail('/connectSettings', 'hang', 99);
    expect(await failure(pool.query('select 1'))).toContain('connection timeout');
    expect(pool.totalCount).toBe(0);
    await pool.end();
  });

  it('survives an instance that is away at the start and Google away after it; nothing is left unheard', async () => {
    const pool = open();
    const reopen = await sql.shut();
    expect(await failure(pool.query('select 1'))).toMatch(/ECONNREFUSED/);
    google.fail('/connectSettings', refusal(403, 'NOT_AUTHORIZED'), 1);
    expect(await failure(pool.query('select 1'))).toMatch(/ECONNREFUSED/);
    await vi.waitFor(() => expect(google.of('/connectSettings').length).toBeGreaterThan(1), 10_000);
    await reopen();
    expect((await pool.query('select 3 as three')).rows).toEqual([{ three: 3 }]);
    await pool.end();
  });

  it('does not talk to a server of another CA than the one that Google names', async () => {
    sql.impostor();
    const pool = open();
    const before = sql.connections();
    expect(await failure(pool.query('select 1'))).toMatch(/certificate|verify|signature/i);
    expect(sql.connections()).toBe(before);
    await pool.end();
  });
});
