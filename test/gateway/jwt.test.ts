import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { identifyByToken, skewMs } from '../../runtime/gateway/jwt.ts';
import {
  applyKnown,
  credentialRefusal,
  type KnownIdentities,
  nothingKnown,
} from '../../runtime/gateway/known-identities.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'der' }).toString('base64');
const now = 1_800_000_000_000;
const seconds = now / 1_000;
const hour = 3_600;

const key = (id: string, algorithm: 'ES256' | 'RS256', of: KeyObject, expiresAt: number | null = null) => ({
  id,
  algorithm,
  spki: spki(of),
  expiresAt,
});
function known(keys = [key('ec', 'ES256', ec.publicKey), key('rsa', 'RS256', rsa.publicKey)]): KnownIdentities {
  const state = nothingKnown();
  const change = { version: 1, tenant: 'main', serial: null, at: 0 };
  applyKnown(state, {
    ...change,
    device: '',
    change: 'device-access',
    data: { jwt: true, audiences: ['acme-project'] },
  });
  applyKnown(state, { ...change, device: 'sensor-1', change: 'keys', data: { keys } });
  applyKnown(state, {
    ...change,
    device: 'sensor-2',
    change: 'keys',
    data: { keys: [key('two', 'ES256', other.publicKey)] },
  });
  return state;
}
const token = (
  claims: Record<string, unknown> = {},
  alg = 'ES256',
  signer: KeyObject = alg === 'RS256' ? rsa.privateKey : ec.privateKey,
) =>
  new SignJWT({ aud: 'acme-project', iat: seconds, exp: seconds + hour, ...claims })
    .setProtectedHeader({ alg })
    .sign(signer);
const judge = (jwt: string, state = known(), at = now) => identifyByToken(state, 'sensor-1', jwt, at);

test.each([
  ['ES256', 'ec', 'acme-project'],
  ['RS256', 'rsa', 'acme-project'],
  ['ES256', 'ec', 'main'],
])('%s by key %s for %s: let in until its end and the skew', async (alg, id, aud) => {
  expect(await judge(await token({ aud }, alg))).toEqual({
    tenant: 'main',
    device: 'sensor-1',
    serial: undefined,
    key: id,
    endsAt: now + 3_600_000 + skewMs,
  });
});

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = base64({ aud: 'acme-project', iat: seconds, exp: seconds + hour });
/** The classic: a token of HMAC whose secret is the public key, which everybody may have. */
const confused = (secret: string | Buffer) => {
  const signed = `${base64({ alg: 'HS256' })}.${claims}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
};

const refused: [string, () => string | Promise<string>, RegExp][] = [
  ['nothing', () => '', /no JWT/],
  ['a word', () => 'secret', /no JWT/],
  ['three dots', () => 'a.b.c', /no JWT/],
  ['a giant', () => 'x'.repeat(5_000), /no JWT/],
  ['alg none', () => `${base64({ alg: 'none' })}.${claims}.`, /no JWT/],
  ['HS256 with the public key as PEM', () => confused(ec.publicKey.export({ type: 'spki', format: 'pem' })), /no JWT/],
  ['HS256 with the public key as DER', () => confused(ec.publicKey.export({ type: 'spki', format: 'der' })), /no JWT/],
  ["another device's key", () => token({}, 'ES256', other.privateKey), /no key of the device/],
  [
    'ES256 whose header says RS256',
    async () => {
      const [, body, signature] = (await token()).split('.');
      return `${base64({ alg: 'RS256' })}.${body}.${signature}`;
    },
    /no key of the device/,
  ],
  ['PS256', () => token({}, 'PS256', rsa.privateKey), /no JWT/],
  ['another audience', () => token({ aud: 'other-project' }), /names no tenant/],
  ['audiences in a list', () => token({ aud: ['acme-project'] }), /names no tenant/],
  ['no audience', () => token({ aud: undefined }), /names no tenant/],
  ['expired by more than the skew', () => token({ iat: seconds - 2 * hour, exp: seconds - 601 }), /has expired/],
  ['from the future', () => token({ iat: seconds + 601, exp: seconds + hour }), /from the future/],
  ['good for more than a day', () => token({ exp: seconds + 24 * hour + 1 }), /more than 24 hours/],
  ['far in the future', () => token({ exp: 9_999_999_999 }), /more than 24 hours/],
  [
    'far in the future, with an iat to match',
    () => token({ iat: seconds + 500, exp: seconds + 25 * hour }),
    /more than 24/,
  ],
  ['without exp', () => token({ exp: undefined }), /iat and exp/],
  ['without iat', () => token({ iat: undefined }), /iat and exp/],
  ['exp as text', () => token({ exp: '9999999999' }), /iat and exp/],
];
test.each(refused)('refused: %s', async (_, make, why) => {
  expect(await judge(await make())).toEqual({ refused: expect.stringMatching(why) });
});

test('within the skew it is let in, on both sides', async () => {
  expect(await judge(await token({ iat: seconds - hour, exp: seconds - 599 }))).toHaveProperty('device');
  expect(await judge(await token({ iat: seconds + 599, exp: seconds + hour }))).toHaveProperty('device');
});

test('any changed byte of a token is refused', async () => {
  const good = await token();
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.constantFrom(...'ABab09-_.'), async (at, letter) => {
      const changed = good.slice(0, at) + letter + good.slice(at + 1);
      fc.pre(changed !== good);
      // The last letter of a signature carries bits that base64url does not use: the same bytes are the same token.
      fc.pre(
        Buffer.from(changed.split('.')[2] ?? '', 'base64url').compare(
          Buffer.from(good.split('.')[2] ?? '', 'base64url'),
        ) !== 0 || at < good.lastIndexOf('.'),
      );
      expect(await judge(changed)).toHaveProperty('refused');
    }),
    { numRuns: 300 },
  );
});

test('up to three keys overlap; one that is over is none, and ends who came in by it', async () => {
  const state = known([key('old', 'ES256', ec.publicKey, now + 1_000), key('new', 'ES256', other.publicKey)]);
  const identity = await judge(await token(), state);
  expect(identity).toMatchObject({ key: 'old' });
  expect(await judge(await token({}, 'ES256', other.privateKey), state)).toMatchObject({ key: 'new' });
  if ('refused' in identity) throw new Error(identity.refused);
  expect(credentialRefusal(state, identity, now)).toBeUndefined();
  expect(credentialRefusal(state, identity, now + 1_000)).toMatch(/is over/);
  expect(await judge(await token(), state, now + 1_000)).toEqual({ refused: expect.stringContaining('no key') });
});

test("a tenant's id is its own audience, whoever lists it", async () => {
  const state = known();
  const change = { version: 2, tenant: 'thief', serial: null, at: 0 };
  applyKnown(state, { ...change, device: '', change: 'device-access', data: { jwt: true, audiences: ['main'] } });
  expect(await judge(await token({ aud: 'main' }), state)).toMatchObject({ tenant: 'main' });
});
