import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CloudPostgres, cloudPostgres, migrator } from './support.ts';

const main = fileURLToPath(new URL('../../runtime/jobs/main.ts', import.meta.url));
let postgres: CloudPostgres;
beforeAll(async () => {
  postgres = await cloudPostgres(['core', 'shard_0']);
}, 60_000);
afterAll(() => postgres?.stop());

const databases = () => ({
  IOT_INSTANCE: 'jobs',
  IOT_CORE_DATABASE_URL: postgres.urlAs(migrator, 'core'),
  IOT_SHARD_DATABASE_URLS: `shard_0=${postgres.urlAs(migrator, 'shard_0')}`,
});

async function job(args: readonly string[], env: Record<string, string>) {
  const child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env['PATH'], ...env } });
  let words = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      words += chunk.toString();
    });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, words };
}

test('as a process: migrate makes the schema and the rights, and again does nothing', async () => {
  const env = { ...databases(), IOT_DATABASE_ROLES: JSON.stringify(postgres.roles) };
  const first = await job(['migrate'], env);
  expect(first.code, first.words).toBe(0);
  expect(first.words).toContain('0001_telemetry');
  expect(first.words).not.toContain('test-only');
  const processor = postgres.as(postgres.roles['processor'] as string, 'core');
  const { rows } = await processor.query('select databases[1] as first from shard_maps');
  expect(rows).toEqual([{ first: 'shard_0' }]);
  const second = await job(['migrate'], env);
  expect(second.code, second.words).toBe(0);
  expect(second.words).not.toMatch(/migrated|rights changed/);
});

test('retention makes the days ahead, so that the first reading finds its partition', async () => {
  const { code, words } = await job(['retention'], databases());
  expect(code, words).toBe(0);
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  const { rows } = await postgres.admin('shard_0').query('select to_regclass($1) as there', [`readings_${today}`]);
  expect(rows[0].there).toBe(`readings_${today}`);
});

test('a failure ends with 1 and says which database, without a password', async () => {
  const { code, words } = await job(['retention'], {
    ...databases(),
    IOT_SHARD_DATABASE_URLS: `shard_9=${postgres.urlAs(migrator, 'shard_9')}`,
  });
  expect(code).toBe(1);
  expect(words).toMatch(/retention in database shard_9 failed/);
  expect(words).toMatch(/database \\?"shard_9\\?" does not exist/);
  expect(words).not.toContain('test-only');
});

test.each([
  [['migrat'], /'migrat' is no job; allowed is one of migrate, /],
  [[], /'' is no job/],
  [['migrate', 'twice'], /'migrate twice' is no job/],
  [['toString'], /'toString' is no job/],
  [['migrate'], /IOT_CORE_DATABASE_URL is not set/],
])('%j without settings ends with 2 and says what is allowed', async (args, message) => {
  const { code, words } = await job(args, {});
  expect(words).toMatch(message);
  expect(code).toBe(2);
});
