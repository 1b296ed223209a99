import { createHmac } from 'node:crypto';
import { createLocalJWKSet, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { AccessRefused, authorize, bearerOf } from '../../runtime/api/access/authorize.ts';
import { principalOf, TokenRefused } from '../../runtime/api/access/principal.ts';
import { createTokenVerifier, type TokenVerifier } from '../../runtime/api/access/token-verifier.ts';
import { operations } from '../../runtime/contracts/http/index.ts';
import { roles, type Scope, scopes } from '../../runtime/contracts/http/operation.ts';

const issuer = 'https://iot.example';
let now = Date.UTC(2026, 10, 22, 12);
const seconds = () => Math.floor(now / 1_000);
let verifier: TokenVerifier;
let lookups = 0;
let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let other: Awaited<ReturnType<typeof generateKeyPair>>;

beforeAll(async () => {
  keys = await generateKeyPair('ES256', { extractable: true });
  other = await generateKeyPair('ES256', { extractable: true });
  const jwks = createLocalJWKSet({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'ES256' }] });
  verifier = createTokenVerifier({
    issuer,
    audience: issuer,
    keys: async (header, token) => {
      lookups += 1;
      return jwks(header, token);
    },
    algorithms: ['ES256'],
    type: 'at+jwt',
    clock: () => now,
    cacheSize: 3,
  });
});

const good = (): JWTPayload => ({
  iss: issuer,
  aud: issuer,
  sub: 'ada@example.org',
  client_id: 'dashboard',
  tenant: 'main',
  role: 'operator',
  scope: 'openid devices:read devices:write',
  iat: seconds(),
  exp: seconds() + 900,
});
const sign = (
  claims: JWTPayload = good(),
  options: { key?: CryptoKey | Uint8Array; header?: Record<string, string> } = {},
) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k1', ...options.header })
    .sign((options.key ?? keys.privateKey) as CryptoKey);
const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const without = (name: string) => {
  const claims = good();
  delete claims[name];
  return claims;
};

test('a good token gives its principal', async () => {
  expect(await verifier.verify(await sign())).toEqual({
    subject: 'ada@example.org',
    client: 'dashboard',
    tenant: 'main',
    role: 'operator',
    scopes: ['devices:read', 'devices:write'],
    expiresAt: (seconds() + 900) * 1_000,
  });
});

const attacks: [string, () => Promise<string> | string][] = [
  ['alg none', () => `${base64({ alg: 'none', typ: 'at+jwt' })}.${base64(good())}.`],
  ['alg None with a signature', () => `${base64({ alg: 'None', typ: 'at+jwt' })}.${base64(good())}.AAAA`],
  ["another key with our key's id", () => sign(good(), { key: other.privateKey })],
  [
    'a key inside the token',
    async () => sign(good(), { key: other.privateKey, header: { jwk: (await exportJWK(other.publicKey)) as never } }),
  ],
  [
    'HS256 with our public key as secret',
    async () => {
      const input = `${base64({ alg: 'HS256', typ: 'at+jwt', kid: 'k1' })}.${base64(good())}`;
      return `${input}.${createHmac('sha256', await exportSPKI(keys.publicKey))
        .update(input)
        .digest('base64url')}`;
    },
  ],
  ['an unknown key id', () => sign(good(), { header: { kid: 'k2' } })],
  [
    'changed claims',
    async () => {
      const [head, , signature] = (await sign()).split('.');
      return `${head}.${base64({ ...good(), tenant: 'other' })}.${signature}`;
    },
  ],
  ['an empty signature', async () => (await sign()).replace(/[^.]+$/, '')],
  [
    'a critical header we do not know',
    async () => {
      const head = base64({ alg: 'ES256', typ: 'at+jwt', kid: 'k1', crit: ['exp2'], exp2: 'x' });
      const input = `${head}.${base64(good())}`;
      const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
      const signature = await crypto.subtle.sign(algorithm, keys.privateKey, Buffer.from(input));
      return `${input}.${Buffer.from(signature).toString('base64url')}`;
    },
  ],

  ['an id token', () => sign(good(), { header: { typ: 'JWT' } })],
  ['another audience', () => sign({ ...good(), aud: 'https://other.example' })],
  ['the dashboard as audience', () => sign({ ...good(), aud: 'dashboard' })],
  ['another issuer', () => sign({ ...good(), iss: 'https://evil.example' })],
  ['the issuer with a slash', () => sign({ ...good(), iss: `${issuer}/` })],
  ['expired beyond the skew', () => sign({ ...good(), exp: seconds() - 31 })],
  ['not yet valid beyond the skew', () => sign({ ...good(), nbf: seconds() + 31 })],
  ['no expiry', () => sign(without('exp'))],
  ['an expiry that is no number', () => sign({ ...good(), exp: 'never' as never })],
  ['no subject', () => sign(without('sub'))],
  ['no tenant', () => sign(without('tenant'))],
  ['a tenant that is none', () => sign({ ...good(), tenant: 'main:other' })],
  ['a list as tenant', () => sign({ ...good(), tenant: ['main'] })],
  ['20 kB', async () => sign({ ...good(), pad: 'x'.repeat(20_000) })],
  ['a word', () => 'word'],
  ['three words', () => 'a.b.c'],
  ['nothing between the dots', () => '..'],
];
test.each(attacks)('a token with %s is refused', async (_, make) => {
  await expect(verifier.verify(await make())).rejects.toBeInstanceOf(TokenRefused);
});

test('clocks may be 30 s apart, either way', async () => {
  await verifier.verify(await sign({ ...good(), exp: seconds() - 29 }));
  await verifier.verify(await sign({ ...good(), nbf: seconds() + 29 }));
});

test('a verified token is remembered, and forgotten when it expires or others come', async () => {
  const token = await sign({ ...good(), jti: 'cached' });
  await verifier.verify(token);
  const before = lookups;
  await verifier.verify(token);
  expect(lookups).toBe(before);
  for (let i = 0; i < 3; i++) await verifier.verify(await sign({ ...good(), jti: `other ${i}` }));
  await verifier.verify(token);
  expect(lookups).toBe(before + 4);
  now += 931_000;
  await expect(verifier.verify(token)).rejects.toThrow('expired');
});

test('an issuer that does not answer is not the sender’s fault', async () => {
  const away = createTokenVerifier({
    issuer,
    audience: issuer,
    keys: () => Promise.reject(new TypeError('fetch failed')),
    algorithms: ['ES256'],
    clock: () => now,
  });
  const asked = authorize(away, `Bearer ${await sign()}`, { scope: 'devices:read' });
  await expect(asked).rejects.not.toBeInstanceOf(AccessRefused);
});

describe('claims', () => {
  const base = { sub: 's', exp: 1, tenant: 'main' };
  test.each<[string, JWTPayload, string | null, readonly Scope[]]>([
    ['scope as text', { scope: 'devices:read unknown' }, null, ['devices:read']],
    ['scp as list', { scp: ['devices:read', 'admin'] }, null, ['devices:read', 'admin']],
    ['a role alone', { role: 'viewer' }, 'viewer', roles.viewer],
    ['a role that cuts scopes', { role: 'viewer', scope: 'devices:write devices:read' }, 'viewer', ['devices:read']],
    ['roles as list', { roles: ['x', 'operator'] }, 'operator', roles.operator],
    ['namespaced roles', { 'https://iot-platform/roles': ['admin'] }, 'admin', roles.admin],
    ['an inherited name as role', { role: 'constructor' }, null, []],
    ['neither', {}, null, []],
  ])('%s', (_, claims, role, granted) => {
    expect(principalOf({ ...base, ...claims })).toMatchObject({ role, scopes: granted });
  });
  test('a subject becomes printable ASCII of at most 256 characters', () => {
    expect(principalOf({ ...base, sub: 'a\r\nx-iot-tenant: é' }).subject).toBe('a%0D%0Ax-iot-tenant:%20%C3%A9');
    expect(principalOf({ ...base, sub: 'x'.repeat(1_000) }).subject).toHaveLength(256);
  });
  test('a namespaced tenant counts', () => {
    expect(principalOf({ sub: 's', exp: 1, 'https://iot-platform/tenant': 'acme' }).tenant).toBe('acme');
  });
});

test('decisions: every operation needs exactly its scope', async () => {
  for (const operation of operations) {
    const { scope: needed } = operation;
    if (needed === null) continue;
    for (const scope of scopes) {
      const single: TokenVerifier = {
        verify: async () => ({ subject: 's', client: 'c', tenant: 'main', role: null, scopes: [scope], expiresAt: 0 }),
      };
      const outcome = await authorize(single, 'Bearer t', { scope: needed }).then(
        () => 'allowed',
        (error: AccessRefused) => error.challenge,
      );
      expect([operation.id, scope, outcome]).toEqual([
        operation.id,
        scope,
        scope === needed ? 'allowed' : `Bearer realm="iot-platform", error="insufficient_scope", scope="${needed}"`,
      ]);
    }
  }
});

test('decisions: who needs no token is a device that enrols, and nobody else', () => {
  expect(operations.filter(({ scope }) => scope === null).map(({ id }) => id)).toEqual(['enrolDevice']);
});

test.each([
  [undefined, undefined],
  ['', undefined],
  ['Bearer', undefined],
  ['Bearer ', undefined],
  ['Basic abc', undefined],
  ['Bearer a b', undefined],
  ['Bearer a,b', undefined],
  ['Bearer a"b', undefined],
  ['bearer abc', 'abc'],
  ['Bearer  a.b-c_d~e+f/g== ', 'a.b-c_d~e+f/g=='],
])('the token of %j is %j', (header, token) => {
  expect(bearerOf(header)).toBe(token);
});
