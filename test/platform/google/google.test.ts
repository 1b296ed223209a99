import { createHash, verify } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signByPool } from '../../../runtime/platform/google/ca-pool.ts';
import { crc32c } from '../../../runtime/platform/google/crc32c.ts';
import { connectGoogle, type Google, type GoogleError } from '../../../runtime/platform/google/google.ts';
import { openSecret } from '../../../runtime/platform/google/secret.ts';
import { openSigningKey } from '../../../runtime/platform/google/signing-key.ts';
import { newCsr } from '../../support/csr.ts';
import { kmsApi } from '../../support/google/kms.ts';
import { privateCaApi } from '../../support/google/privateca.ts';
import { secretsApi } from '../../support/google/secrets.ts';
import { type GoogleServer, refusal, startGoogle } from '../../support/google/server.ts';

const key = 'projects/my-project/locations/europe-west1/keyRings/ring/cryptoKeys/issuing/cryptoKeyVersions/1';
const secret = 'projects/my-project/secrets/iot-dev-issuer-keys';
const pool = 'projects/my-project/locations/europe-west1/caPools/servers';

let server: GoogleServer;
let google: Google;
let secrets: ReturnType<typeof secretsApi>;
let cas: Awaited<ReturnType<typeof privateCaApi>>;
const bounds = { attempts: 4, attemptMs: 2_000, totalMs: 5_000, firstPauseMs: 1, longestPauseMs: 2 };

beforeEach(async () => {
  secrets = secretsApi([secret]);
  cas = await privateCaApi();
  server = await startGoogle([kmsApi().api, secrets.api, cas.api]);
  google = connectGoogle({ endpoint: server.endpoint, bounds });
});
afterEach(() => server.stop());

const tokenPath = '/service-accounts/default/token';
const failure = (promise: Promise<unknown>): Promise<GoogleError> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: GoogleError) => error,
  );

it('CRC-32C of the check text of its definition', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(String(0xe3069283));
  expect(crc32c(new Uint8Array())).toBe('0');
});

describe('tokens', () => {
  it('come from the metadata server, and one serves many calls', async () => {
    await openSigningKey(google, key);
    await openSecret(google, secret).newest();
    expect(server.of(tokenPath)).toHaveLength(1);
    expect(server.of(tokenPath)[0]?.headers['metadata-flavor']).toBe('Google');
    expect(server.of('/publicKey')[0]?.headers['authorization']).toBe(`Bearer ${server.tokens.issued[0]}`);
  });

  it('are renewed before they end', async () => {
    server.tokens.life = 240; // less than what the library renews ahead of the end (5 min)
    await openSecret(google, secret).newest();
    await openSecret(google, secret).newest();
    expect(server.tokens.issued).toHaveLength(2);
  });

  it('that are refused in mid-stream are replaced once, and the call succeeds', async () => {
    const signing = await openSigningKey(google, key);
    server.tokens.revoke();
    await signing.sign(Buffer.from('data'));
    expect(server.of(':asymmetricSign').map(({ headers }) => headers['authorization'])).toEqual(
      server.tokens.issued.map((token) => `Bearer ${token}`),
    );
  });

  it('that are refused again end the call', async () => {
    server.fail('/publicKey', refusal(401, 'UNAUTHENTICATED'), 9);
    expect((await failure(openSigningKey(google, key))).status).toBe(401);
    expect(server.of('/publicKey')).toHaveLength(2);
  });

  it('that can not be had fail the call, which says so', async () => {
    server.fail(tokenPath, { status: 404, text: 'no such service account' }, 9);
    expect((await failure(openSigningKey(google, key))).message).toMatch(/cloudkms.*no access token/);
  });
});

describe('answers', () => {
  it.each([429, 500, 503])('%i is tried again, within bounds', async (status) => {
    server.fail('/publicKey', refusal(status, 'LATER'), 3);
    await openSigningKey(google, key);
    expect(server.of('/publicKey')).toHaveLength(4);
    server.fail(':asymmetricSign', refusal(status, 'LATER'), 9);
    const error = await failure((await openSigningKey(google, key)).sign(Buffer.from('x')));
    expect([error.status, error.reason, server.of(':asymmetricSign').length]).toEqual([status, 'LATER', 4]);
  });

  it.each([400, 403, 404, 409])('%i is final', async (status) => {
    server.fail('/publicKey', refusal(status, 'NO', 'because'), 1);
    const error = await failure(openSigningKey(google, key));
    expect(error.message).toBe(`Google cloudkms: GET v1/${key}/publicKey answered ${status} NO: because`);
    expect(server.of('/publicKey')).toHaveLength(1);
  });

  it('a cut connection is tried again only where twice is as good as once', async () => {
    server.fail('/publicKey', 'drop', 1);
    await openSigningKey(google, key);
    server.fail(':addVersion', 'drop', 1);
    expect((await failure(openSecret(google, secret).add(Buffer.from('v')))).status).toBe(0);
    expect(server.of(':addVersion')).toHaveLength(1);
    server.fail(':addVersion', refusal(503, 'UNAVAILABLE'), 1);
    expect(await openSecret(google, secret).add(Buffer.from('v'))).toBe(1);
  });

  it('a pause that the server asks for is kept, and none goes beyond the deadline', async () => {
    server.fail('/publicKey', { ...refusal(429, 'LATER'), headers: { 'retry-after': '60' } }, 1);
    expect((await failure(openSigningKey(google, key))).status).toBe(429);
    expect(server.of('/publicKey')).toHaveLength(1);
  });

  it('no error holds a token or a body', async () => {
    server.fail(':addVersion', refusal(403, 'PERMISSION_DENIED'), 1);
    const error = await failure(openSecret(google, secret).add(Buffer.from('hunter2')));
    const said = JSON.stringify([error.message, error.stack, error.cause, { ...error }]);
    for (const hidden of ['hunter2', Buffer.from('hunter2').toString('base64'), server.tokens.issued[0] as string])
      expect(said).not.toContain(hidden);
  });

  it('a redirect is not followed: the token goes nowhere else', async () => {
    const other = await startGoogle([]);
    server.fail('/publicKey', { status: 302, headers: { location: `${other.endpoint}/x` } }, 9);
    expect((await failure(openSigningKey(google, key))).status).toBe(0);
    expect(other.seen).toEqual([]);
    await other.stop();
  });
});

describe('KMS', () => {
  it('signs the SHA-256 of the data, checksums both ways', async () => {
    const data = Buffer.from('to be signed');
    const signing = await openSigningKey(google, key);
    expect(verify('sha256', data, signing.publicKey, await signing.sign(data))).toBe(true);
    const digest = createHash('sha256').update(data).digest();
    expect(server.of(':asymmetricSign')[0]?.body).toEqual({
      digest: { sha256: digest.toString('base64') },
      digestCrc32c: crc32c(digest),
    });
    expect(server.of(':asymmetricSign')[0]?.path).toBe(`/v1/${key}:asymmetricSign`);
  });

  it.each([
    ['a public key altered on its way', '/publicKey', { pemCrc32c: '1' }, 'altered'],
    ['another key', '/publicKey', { name: `${key}0` }, 'instead of'],
    ['a key of another kind', '/publicKey', { algorithm: 'RSA_SIGN_PSS_2048_SHA256' }, 'needed is EC_SIGN_P256_SHA256'],
    ['a signature altered on its way', ':asymmetricSign', { signatureCrc32c: '1' }, 'altered'],
    ['a digest that KMS did not check', ':asymmetricSign', { verifiedDigestCrc32c: false }, 'did not confirm'],
    ['a signature of another key', ':asymmetricSign', { name: `${key}0` }, 'instead of'],
  ])('refuses %s', async (_what, part, change, said) => {
    server.alter(part, (body) => Object.assign(body, change));
    const signed = openSigningKey(google, key).then((signing) => signing.sign(Buffer.from('x')));
    expect((await failure(signed)).message).toContain(said);
  });
});

describe('Secret Manager', () => {
  it('has no version, then the newest', async () => {
    const opened = openSecret(google, secret);
    expect(await opened.newest()).toBeUndefined();
    expect(await opened.add(Buffer.from('first'))).toBe(1);
    expect(await opened.add(Buffer.from('second'))).toBe(2);
    expect(await opened.newest()).toEqual({ version: 2, value: Buffer.from('second') });
    expect(server.of(':addVersion')[0]?.body).toEqual({
      payload: { data: Buffer.from('first').toString('base64'), dataCrc32c: crc32c(Buffer.from('first')) },
    });
  });

  it('refuses a value altered on its way', async () => {
    const opened = openSecret(google, secret);
    await opened.add(Buffer.from('first'));
    server.alter(':access', (body) => Object.assign(body['payload'] as object, { data: 'b3RoZXI=' }));
    await expect(opened.newest()).rejects.toThrow('altered on its way');
  });
});

describe('Certificate Authority Service', () => {
  it('signs once, however often the same request comes', async () => {
    const { csr } = await newCsr('CN=mqtt.example.com');
    const request = { csr, lifetimeSeconds: 3_600, idempotencyKey: 'pod-1 renewal-1' };
    server.fail('/certificates', 'drop', 1);
    const first = await signByPool(google, pool, request);
    expect(await signByPool(google, pool, request)).toEqual(first);
    expect(cas.signed()).toBe(1);
    await signByPool(google, pool, { ...request, idempotencyKey: 'pod-1 renewal-2' });
    expect(cas.signed()).toBe(2);
    expect(first.chain).toHaveLength(2);
    expect(first.root).toBe(first.chain[1]);
    const [asked] = server.of('/certificates');
    expect(asked?.body).toEqual({ pemCsr: csr, lifetime: '3600s' });
    expect(asked?.query).toEqual({
      certificateId: expect.stringMatching(/^c-[0-9a-f]{40}$/),
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });
});
