import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { audienceOf, type ServiceCaller, serviceCallers, serviceCalls } from '../../../runtime/contracts/callers.ts';
import { localIssuer, localNamespace, newIssuer } from '../../../runtime/local/identity.ts';
import { ProblemError } from '../../../runtime/platform/http/problem.ts';
import { createCallers } from '../../../runtime/platform/identity/callers.ts';
import { openKeySet } from '../../../runtime/platform/identity/key-set.ts';
import { quietLog } from '../../support/log.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iot-test-callers-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const trusted = newIssuer();
const at = Math.floor(Date.now() / 1_000);

async function callersWith(issuer = trusted, file = 'keys.json') {
  const path = join(folder, file);
  await writeFile(path, JSON.stringify(issuer.keys));
  const time = { monotonic: 0, now: Date.now() };
  const keys = openKeySet(path, quietLog, () => time.monotonic);
  const about = { service: 'devices', issuer: localIssuer, namespace: localNamespace } as const;
  return { path, time, callers: createCallers({ ...about, keys, clock: () => time.now }) };
}

const statusOf = (verified: Promise<unknown>): Promise<number> =>
  verified.then(
    () => 200,
    (error: unknown) => {
      if (error instanceof ProblemError) return error.status;
      throw error;
    },
  );

describe('a caller', () => {
  test('is whose account the token names', async () => {
    const { callers } = await callersWith();
    for (const caller of serviceCallers)
      expect(await callers.verify(`Bearer ${await trusted.token(caller, 'devices')}`)).toBe(caller);
  });

  const claims: readonly [string, Record<string, unknown>][] = [
    ['for another service', { aud: audienceOf('telemetry') }],
    ['for the Kubernetes API', { aud: 'https://kubernetes.default.svc' }],
    ['of another issuer', { iss: 'https://container.googleapis.com/v1/projects/other' }],
    ['of another namespace', { sub: 'system:serviceaccount:iot-dev:gateway' }],
    ['of a namespace that ours begins', { sub: `system:serviceaccount:${localNamespace}-2:gateway` }],
    ['of an account that calls nobody', { sub: `system:serviceaccount:${localNamespace}:simulator` }],
    ['that has ended', { exp: at - 60 }],
    ['without an end', { exp: undefined }],
    ['that does not count yet', { nbf: at + 600 }],
    ['of nobody', { sub: undefined }],
  ];
  test.each(claims)('a token %s is refused', async (_what, wrong) => {
    const { callers } = await callersWith();
    expect(await statusOf(callers.verify(`Bearer ${await trusted.token('gateway', 'devices', wrong)}`))).toBe(401);
  });

  test.each([
    ['nothing', undefined],
    ['no token', 'Bearer '],
    ['another scheme', 'Basic YTpi'],
    ['three words that are none', 'Bearer a.b.c'],
    ['a token of megabytes', `Bearer ${'a'.repeat(100_000)}.b.c`],
  ])('%s is refused', async (_what, header) => {
    const { callers } = await callersWith();
    expect(await statusOf(callers.verify(header))).toBe(401);
  });

  test('a token that the key did not sign is refused: another key, no signature, the public key as a secret', async () => {
    const { callers } = await callersWith();
    const good = await trusted.token('gateway', 'devices');
    const [header = '', payload = ''] = good.split('.');
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.x`;
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string };
    const symmetric = await new SignJWT(JSON.parse(Buffer.from(payload, 'base64url').toString()))
      .setProtectedHeader({ alg: 'HS256', kid })
      .sign(Buffer.from(JSON.stringify(trusted.keys.keys[0])));
    for (const token of [await newIssuer().token('gateway', 'devices'), none, symmetric])
      expect(await statusOf(callers.verify(`Bearer ${token}`))).toBe(401);
  });

  test('is remembered until its token ends, and no longer', async () => {
    const { callers, path, time } = await callersWith(trusted, 'remembered.json');
    const header = `Bearer ${await trusted.token('gateway', 'devices')}`;
    expect(await callers.verify(header)).toBe('gateway');
    await writeFile(path, JSON.stringify(newIssuer().keys));
    time.monotonic += 60_000;
    expect(await callers.verify(header)).toBe('gateway');
    time.now += 3_600_000 + 31_000;
    expect(await statusOf(callers.verify(header))).toBe(401);
  });
});

describe('the keys', () => {
  test('a new one is found, and what nobody signed makes one look-up in ten seconds', async () => {
    const { callers, path, time } = await callersWith(trusted, 'rotated.json');
    expect(await callers.verify(`Bearer ${await trusted.token('api', 'devices')}`)).toBe('api');
    const next = newIssuer();
    await writeFile(path, JSON.stringify({ keys: [...trusted.keys.keys, ...next.keys.keys] }));
    const header = `Bearer ${await next.token('telemetry', 'devices')}`;
    time.monotonic += 5_000;
    expect(await statusOf(callers.verify(header))).toBe(401);
    time.monotonic += 5_000;
    expect(await callers.verify(header)).toBe('telemetry');
  });

  test('stay in use while their place is away; before the first answer callers are told to come again', async () => {
    let up = false;
    const server = createServer((_, response) =>
      up ? response.end(JSON.stringify(trusted.keys)) : response.writeHead(503).end(),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const place = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
    const time = { monotonic: 0 };
    const keys = openKeySet(place, quietLog, () => time.monotonic);
    const callers = createCallers({ service: 'devices', issuer: localIssuer, namespace: localNamespace, keys });
    const header = async (caller: ServiceCaller) => `Bearer ${await trusted.token(caller, 'devices')}`;
    try {
      expect(await statusOf(callers.verify(await header('api')))).toBe(503);
      up = true;
      expect(await callers.verify(await header('api'))).toBe('api');
      up = false;
      time.monotonic += 3_600_000;
      expect(await callers.verify(await header('gateway'))).toBe('gateway');
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

test('every service that calls has something to call', () => {
  for (const called of Object.values(serviceCalls)) expect(called.length).toBeGreaterThan(0);
});
