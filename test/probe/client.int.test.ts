import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashClientSecret } from '../../runtime/platform/identity/client-secret.ts';
import { secretsApi } from '../support/google/secrets.ts';
import { type GoogleServer, startGoogle } from '../support/google/server.ts';
import { freePort } from '../support/ports.ts';
import { type TestPostgres, testPostgres } from '../support/postgres.ts';

/** The probe's client from the job that makes it to the probe that uses it, with Secret Manager's wire between them. */
const box = 'projects/iot-prod-1/secrets/prod-probe-client';
const secrets = secretsApi([box]);
let google: GoogleServer;
let postgres: TestPostgres;
let core: pg.Pool;

beforeAll(async () => {
  google = await startGoogle([secrets.api]);
  postgres = await testPostgres({ shards: ['shard_a'] });
  core = new pg.Pool({ connectionString: postgres.core, max: 1 });
});
afterAll(async () => {
  await core?.end();
  await postgres?.stop();
  await google?.stop();
});

async function run(entry: string, args: string[], env: Record<string, string>) {
  const main = fileURLToPath(new URL(`../../runtime/${entry}/main.ts`, import.meta.url));
  const child = spawn(process.execPath, [main, ...args], {
    env: {
      PATH: process.env['PATH'],
      IOT_INSTANCE: 'probe-client',
      IOT_GOOGLE_ENDPOINT: google.endpoint,
      IOT_PROBE_CLIENT: box,
      ...env,
    },
  });
  let words = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      words += chunk.toString();
    });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, words };
}
const makeClient = () => run('jobs', ['probe-client'], { IOT_CORE_DATABASE_URL: postgres.core });
const kept = () => secrets.versions(box).map((text) => JSON.parse(text) as { id: string; secret: string });
const stored = async () =>
  (await core.query<{ secret_hash: string; scopes: string[] }>("select * from oauth_clients where id = 'iot-probe'"))
    .rows;

test('before there is a client the probe says who makes it', async () => {
  const { code, words } = await run('probe', [], { IOT_API_URL: 'http://127.0.0.1:9', IOT_MQTT: '127.0.0.1:9' });
  expect({ code, words }).toMatchObject({ code: 2, words: expect.stringContaining('jobs probe-client makes it') });
});

test('the secret goes to the box, its hash to the database, and neither to the log', async () => {
  const { code, words } = await makeClient();
  expect(code, words).toBe(0);
  const [client] = kept();
  expect(client).toMatchObject({ id: 'iot-probe', secret: expect.stringMatching(/^[\w-]{43}$/) });
  expect(await stored()).toEqual([
    expect.objectContaining({
      secret_hash: hashClientSecret(client?.secret as string),
      scopes: ['devices:read', 'devices:write', 'telemetry:read'],
    }),
  ]);
  expect(words).not.toContain(client?.secret);
});

test('again: nothing changes', async () => {
  expect(await makeClient()).toMatchObject({ code: 0, words: expect.stringContaining('the probe has its client') });
  expect(kept()).toHaveLength(1);
});

test('a database from a backup has another hash: a new pair is made', async () => {
  await core.query("update oauth_clients set secret_hash = 'sha256$old' where id = 'iot-probe'");
  expect((await makeClient()).code).toBe(0);
  expect(kept()).toHaveLength(2);
  expect(await stored()).toMatchObject([{ secret_hash: hashClientSecret(kept()[1]?.secret as string) }]);
});

test('the probe asks for its token with the newest secret', async () => {
  const seen: (string | undefined)[] = [];
  const api: Server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(503).end();
  });
  await new Promise<void>((resolve) => freePort().then((port) => api.listen(port, '127.0.0.1', resolve)));
  const { port } = api.address() as AddressInfo;
  try {
    const { code, words } = await run('probe', [], {
      IOT_API_URL: `http://127.0.0.1:${port}`,
      IOT_MQTT: '127.0.0.1:9',
    });
    expect({ code, words }).toMatchObject({ code: 1, words: expect.stringContaining('probe failed at token') });
    const [, client] = kept();
    expect(seen).toEqual([`Basic ${Buffer.from(`${client?.id}:${client?.secret}`).toString('base64')}`]);
    expect(words).not.toContain(client?.secret);
  } finally {
    api.closeAllConnections();
    await new Promise((resolve) => api.close(resolve));
  }
});
