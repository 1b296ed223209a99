import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { run } from '../support/platform.ts';
import { freePortBase } from '../support/ports.ts';

const empty = mkdtempSync(join(tmpdir(), 'iot-test-cli-'));
afterAll(() => rmSync(empty, { recursive: true, force: true }));
const root = new URL('../..', import.meta.url).pathname;

describe('a wrong command line ends with 2, says what is wrong and what is allowed, and prints nothing on stdout', () => {
  test.each([
    [['local', 'up', '--portbase', '19000'], /unknown option '--portbase'.*--port-base <n>/s],
    [['local', 'up', '--port-base', '80'], /'80' is invalid.*whole number 1024 to \d+/s],
    [['local', 'up', '--port-base', '40000'], /'40000' is invalid.*whole number 1024 to \d+/s],
    [['local', 'up', '--devices', 'many'], /'many' is invalid.*whole number 0 to 100000/s],
    [['local', 'up', '--set', 'gatway.IOT_LOG_LEVEL=debug'], /is invalid.*parts are .*gateway/s],
    [['local', 'logs', '--trace', 'xyz'], /'xyz' is invalid.*8 to 32 hex digits/s],
    [['local', 'launch'], /unknown command 'launch'/],
    [['lokal'], /unknown command 'lokal'.*local/s],
    [['device', 'create'], /missing required argument 'id'/],
    [['device', 'create', '1abc'], /'1abc' is invalid.*starts with a letter/s],
    [['device', 'create', 'a/b'], /'a\/b' is invalid/],
    [['device', 'create', 'pump-1', '--tag', 'no spaces'], /'no spaces' is invalid.*a tag has/s],
    [['device', 'list', '--limit', '0'], /'0' is invalid.*1 to 1000000/s],
    [['device', 'list', '--api', 'ftp://x'], /'ftp:\/\/x' is invalid.*http:\/\/ or https:\/\//s],
    [['telemetry', 'history', 'pump-1', '--from', '1h'], /required option '--to <time>'/],
    [['telemetry', 'history', 'pump-1', '--from', 'yesterday', '--to', 'now'], /'yesterday' is invalid.*RFC 3339/s],
    [
      ['telemetry', 'history', 'pump-1', '--from', '1h', '--to', 'now', '--resolution', '1d'],
      /'1d' is invalid.*raw, 1m, 1h, auto/s,
    ],
    [['tenant', 'create', 'acme'], /required option '--administrator <email>'/],
    [['tenant', 'set', 'acme'], /nothing to change: give --name, --devices/],
    [['tenant', 'set', 'acme', '--devices', '-1'], /'-1' is no quota.*whole number.*none/s],
    [['user', 'invite', 'nobody'], /'nobody' is invalid.*ada@example\.org/s],
    [['user', 'role', 'ada@example.org', '--role', 'king'], /viewer, operator, admin/],
    [['client', 'create', 'c', '--scope', 'all'], /'all'.*allowed are devices:read/s],
    [['login'], /required option '--api <url>'/],
  ])('%j', async (args, words) => {
    const { code, stdout, stderr } = await run(args);
    expect(stderr).toMatch(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('a failure ends with 1 and one clear sentence, no stack', () => {
  test.each([
    [['device', 'list', '--data', empty], /no platform runs in .*npx iot local up/],
    [['local', 'status', '--data', empty], /no platform runs in/],
    [['local', 'logs', '--data', empty], /no platform was started there yet/],
    [['device', 'list', '--api', 'http://127.0.0.1:9'], /not logged in .*iot login --api/],
  ])('%j', async (args, words) => {
    const { code, stdout, stderr } = await run(args, { XDG_CONFIG_HOME: empty });
    expect(stderr).toMatch(words);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  test('half a client in the environment names the other half', async () => {
    const { code, stderr } = await run(['device', 'list', '--api', 'http://127.0.0.1:9'], {
      XDG_CONFIG_HOME: empty,
      IOT_CLIENT_ID: 'me',
    });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('IOT_CLIENT_SECRET is not set') });
  });
});

test('nothing to stop and nothing to remove are no failures', async () => {
  expect(await run(['local', 'down', '--data', empty])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('nothing runs'),
  });
  expect(await run(['local', 'reset', '--data', empty])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('nothing to remove'),
  });
});

test('help ends with 0 and is on stdout', async () => {
  const { code, stdout } = await run(['local', 'up', '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/--port-base <n>.*default: 18000/s);
});

describe('a taken port', () => {
  test('is named with its holder before anything starts, and the way out', async () => {
    const server = createServer();
    const base = await freePortBase();
    server.listen(base + 80, '127.0.0.1');
    await once(server, 'listening');
    try {
      const data = mkdtempSync(join(tmpdir(), 'iot-test-taken-'));
      const { code, stdout, stderr } = await run([
        'local',
        'up',
        '--json',
        '--data',
        data,
        '--port-base',
        String(base),
        '--devices',
        '0',
      ]);
      expect(stderr).toContain(`port ${base + 80} (api) is taken by pid ${process.pid} (`);
      expect(stderr).toContain('--port-base N');
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      rmSync(data, { recursive: true, force: true });
    } finally {
      server.close();
    }
  });
});

describe('entry points on an older Node', () => {
  const older = (script: string, ...args: string[]) =>
    spawnSync(process.execPath, ['--import', pretend('20.1.0'), join(root, script), ...args], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', HOME: empty },
    });
  const pretend = (version: string) =>
    `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`;

  test.each([
    ['cli/iot.mjs', ['local', 'up', '--port-base', '1'], 2, /whole number 1024/],
    ['test/check.mjs', ['--wrong'], 2, /unknown argument --wrong/],
  ])('%s goes on with the pinned one: same output, same exit code', (script, args, status, words) => {
    const run = older(script, ...args);
    expect(run.stderr).toMatch(words);
    expect(run.status).toBe(status);
  });

  test('without a pinned one, one sentence says what to do', () => {
    const run = spawnSync(process.execPath, ['--import', pretend('20.1.0'), join(root, 'cli/iot.mjs'), '--help'], {
      encoding: 'utf8',
      env: { PATH: '', REEXECUTED_BY_IOT: '1' },
    });
    expect(run.stderr).toMatch(/^This needs Node 24 or newer; .*Run `npm install`[^\n]*\n$/);
    expect(run.status).toBe(1);
  });
});

describe('log-in at a remote platform', () => {
  test('keeps the token, not the secret, in a file of its owner, and uses it', async () => {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url?.split('?', 1)[0]} ${request.headers.authorization ?? ''}`);
      response.setHeader('content-type', 'application/json');
      if (request.url === '/oauth/token') return void response.end('{"access_token":"tok","expires_in":900}');
      response.end('{"items":[],"next":null}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const config = mkdtempSync(join(tmpdir(), 'iot-test-xdg-'));
    const env = { XDG_CONFIG_HOME: config };
    try {
      const login = await run(['login', '--api', api], {
        ...env,
        IOT_CLIENT_ID: 'me',
        IOT_CLIENT_SECRET: 's3cret-value',
      });
      expect(login).toMatchObject({ code: 0, stdout: '', stderr: expect.not.stringContaining('s3cret-value') });
      const list = await run(['device', 'list', '--json', '--api', `${api}/`], env);
      expect(list).toMatchObject({ code: 0, stdout: '{"items":[],"more":false}\n' });
      expect(seen).toEqual([
        `POST /oauth/token Basic ${Buffer.from('me:s3cret-value').toString('base64')}`,
        'GET /v1/devices Bearer tok',
      ]);
      const { readFileSync, statSync } = await import('node:fs');
      const file = join(config, 'iot-platform', 'logins.json');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readFileSync(file, 'utf8')).not.toContain('s3cret-value');
    } finally {
      server.close();
      rmSync(config, { recursive: true, force: true });
    }
  });
});
