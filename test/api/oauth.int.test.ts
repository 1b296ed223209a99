import { decodeJwt, decodeProtectedHeader } from 'jose';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seedIdentity } from '../../runtime/api/identity/seed.ts';
import { sweepExpiredState } from '../../runtime/api/identity/state-adapter.ts';
import { authorizationUrl, createBrowser, exchange, logIn, pkce } from './browser.ts';
import { secrets, seed, startTestApi, type TestApi } from './harness.ts';

let api: TestApi;
let core: pg.Pool;
beforeAll(async () => {
  api = await startTestApi();
  core = new pg.Pool({ connectionString: api.postgres.core, max: 2 });
});
afterAll(async () => {
  await core?.end();
  await api?.stop();
});

type Tokens = { access_token: string; refresh_token: string; id_token: string; scope: string; error?: string };
const json = async (response: Response) => (await response.json()) as Tokens;
const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
const machineToken = (headers: Record<string, string>, body: Record<string, string>) =>
  fetch(`${api.url}/oauth/token`, { method: 'POST', headers, body: new URLSearchParams(body) });

test('discovery names the configured address only, whatever the Host header says', async () => {
  for (const path of ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']) {
    const { body, headers } = await api.api.app.inject({
      url: path,
      headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example', origin: 'https://evil.example' },
    });
    const document = JSON.parse(body);
    expect(document).toMatchObject({
      issuer: api.url,
      authorization_endpoint: `${api.url}/oauth/auth`,
      token_endpoint: `${api.url}/oauth/token`,
      code_challenge_methods_supported: ['S256'],
      grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
      response_types_supported: ['code'],
    });
    expect(body).not.toContain('evil');
    expect(headers['access-control-allow-origin']).toBeUndefined();
  }
  expect(await (await fetch(`${api.url}/oauth/jwks`)).text()).not.toMatch(/"d"/);
});

test('a machine gets a token by client credentials, by header or form, and the API takes it', async () => {
  const byForm = await machineToken(
    {},
    { grant_type: 'client_credentials', client_id: 'operator', client_secret: secrets.operator },
  );
  expect(byForm.status).toBe(200);
  const token = await api.token();
  expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
  const claims = decodeJwt(token);
  expect(claims).toMatchObject({ iss: api.url, aud: api.url, tenant: 'main', client_id: 'operator', sub: 'operator' });
  expect(claims['scope']).toBe('devices:read devices:write telemetry:read platform:read');
  expect((claims.exp as number) - (claims.iat as number)).toBe(900);
  const me = await fetch(`${api.url}/v1/whoami`, { headers: { authorization: `Bearer ${token}` } });
  expect(me.status).toBe(200);
  expect(await me.json()).toMatchObject({ subject: 'operator', tenant: 'main', role: null });
});

test('a machine gets the scopes it asks for, never more than it was given, and no other resource', async () => {
  const narrow = decodeJwt(await api.token('operator', 'devices:read'));
  expect(narrow['scope']).toBe('devices:read');
  const refused = await machineToken(
    { authorization: basic('reader', secrets.reader) },
    { grant_type: 'client_credentials', scope: 'devices:read devices:write' },
  );
  expect([refused.status, (await json(refused)).error]).toEqual([400, 'invalid_scope']);
  const elsewhere = await machineToken(
    { authorization: basic('reader', secrets.reader) },
    { grant_type: 'client_credentials', resource: 'https://other.example' },
  );
  expect([elsewhere.status, (await json(elsewhere)).error]).toEqual([400, 'invalid_target']);
});

test.each([
  ['a wrong secret', 'operator', 'x'.repeat(64)],
  ['the stored hash itself as secret', 'operator', 'HASH'],
  ["another client's secret", 'operator', secrets.reader],
  ['an unknown client', 'nobody', secrets.operator],
  ['SQL in the client id', "operator' or '1'='1", secrets.operator],
  ['the public client with a secret', 'dashboard', secrets.operator],
])('no token for %s', async (_, id, secret) => {
  const { rows } = await core.query("select secret_hash from oauth_clients where id = 'operator'");
  const given = secret === 'HASH' ? rows[0].secret_hash : secret;
  const encode = (text: string) => encodeURIComponent(text);
  const response = await machineToken(
    { authorization: basic(encode(id), encode(given)) },
    { grant_type: 'client_credentials' },
  );
  expect(response.status).toBe(401);
  expect((await json(response)).error).toBe('invalid_client');
});

test('the database has no secret, password, code or refresh token in plain text', async () => {
  const { verifier, challenge } = pkce();
  const browser = createBrowser();
  const callback = await logIn(browser, api.url, challenge, 'admin@iot.local', secrets.adminPassword);
  const code = callback.searchParams.get('code') as string;
  const dump = async () => {
    const { rows } = await core.query(
      'select (select json_agg(u) from users u)::text || (select json_agg(c) from oauth_clients c)::text || (select json_agg(s) from oauth_state s)::text as all',
    );
    return rows[0].all as string;
  };
  expect(await dump()).not.toContain(code);
  const tokens = await json(await exchange(api.url, code, verifier));
  const text = await dump();
  for (const secret of [...Object.values(secrets), code, tokens.refresh_token, tokens.access_token])
    expect(text).not.toContain(secret);
});

test('a person logs in by code and PKCE: cookies, tokens, scopes of the role, a refreshed token, log-out', async () => {
  const { verifier, challenge } = pkce();
  const browser = createBrowser();
  const callback = await logIn(browser, api.url, challenge, ' Viewer@IoT.local ', secrets.viewerPassword);
  expect(callback.searchParams.get('state')).toBe('some-state');
  expect(callback.searchParams.get('iss')).toBe(api.url);
  const response = await exchange(api.url, callback.searchParams.get('code') as string, verifier);
  expect(response.status).toBe(200);
  const tokens = await json(response);
  expect(decodeJwt(tokens.access_token)).toMatchObject({
    sub: 'viewer@iot.local',
    tenant: 'main',
    role: 'viewer',
    aud: api.url,
    scope: 'devices:read telemetry:read platform:read',
  });
  const refreshed = await refresh(tokens.refresh_token);
  expect(refreshed.status).toBe(200);
  const second = await json(refreshed);
  expect(second.refresh_token).not.toBe(tokens.refresh_token);
  // A second visit needs no password while the session lasts.
  const again = await browser.follow(authorizationUrl(api.url, challenge), `${api.url}/callback`);
  expect(again.response).toBeUndefined();
  // Log-out asks, ends the session, and with it the refresh token.
  const logout = await browser.visit(
    `${api.url}/oauth/logout?id_token_hint=${tokens.id_token}&post_logout_redirect_uri=${encodeURIComponent(`${api.url}/`)}`,
  );
  const page = await logout.text();
  expect(page).toContain('Log out?');
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page)?.[1] as string;
  const out = await browser.visit(`${api.url}/oauth/logout/confirm`, {
    method: 'POST',
    body: new URLSearchParams({ xsrf, logout: 'yes' }),
  });
  expect(out.headers.get('location')).toBe(`${api.url}/`);
  expect((await json(await refresh(second.refresh_token))).error).toBe('invalid_grant');
  const asked = await browser.follow(authorizationUrl(api.url, challenge), `${api.url}/callback`);
  expect(await asked.response?.text()).toContain('Password');
});

const refresh = (token: string) =>
  fetch(`${api.url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', client_id: 'dashboard', refresh_token: token }),
  });

test('a code works once, with its own verifier; a replay takes the tokens back', async () => {
  const { verifier, challenge } = pkce();
  const browser = createBrowser();
  const callback = await logIn(browser, api.url, challenge, 'admin@iot.local', secrets.adminPassword);
  const code = callback.searchParams.get('code') as string;
  const wrong = await exchange(api.url, code, pkce().verifier);
  expect([wrong.status, (await json(wrong)).error]).toEqual([400, 'invalid_grant']);
  const missing = await exchange(api.url, code, '');
  expect(missing.status).toBe(400);
  const elsewhere = await exchange(api.url, code, verifier, { redirect_uri: 'https://evil.example/' });
  expect(elsewhere.status).toBe(400);
  const right = await exchange(api.url, code, verifier);
  expect(right.status).toBe(200);
  const tokens = await json(right);
  const replay = await exchange(api.url, code, verifier);
  expect([replay.status, (await json(replay)).error]).toEqual([400, 'invalid_grant']);
  expect((await json(await refresh(tokens.refresh_token))).error).toBe('invalid_grant');
});

test('of two exchanges of one code at the same time one gets tokens at most', async () => {
  for (let round = 0; round < 5; round++) {
    const { verifier, challenge } = pkce();
    const callback = await logIn(createBrowser(), api.url, challenge, 'admin@iot.local', secrets.adminPassword);
    const code = callback.searchParams.get('code') as string;
    const all = await Promise.all(Array.from({ length: 4 }, () => exchange(api.url, code, verifier)));
    expect(all.filter((response) => response.status === 200).length).toBeLessThanOrEqual(1);
  }
}, 60_000);

test('a refresh token that was used already ends the whole grant', async () => {
  const { verifier, challenge } = pkce();
  const callback = await logIn(createBrowser(), api.url, challenge, 'admin@iot.local', secrets.adminPassword);
  const first = await json(await exchange(api.url, callback.searchParams.get('code') as string, verifier));
  const second = await json(await refresh(first.refresh_token));
  expect((await json(await refresh(first.refresh_token))).error).toBe('invalid_grant');
  expect((await json(await refresh(second.refresh_token))).error).toBe('invalid_grant');
});

test.each([
  ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }],
  ['plain PKCE', { code_challenge_method: 'plain' }],
  ['a foreign redirect', { redirect_uri: 'https://evil.example/callback' }],
  ['the implicit flow', { response_type: 'token' }],
  ['a machine as client', { client_id: 'operator' }],
  ['another resource', { resource: 'https://evil.example' }],
  ['markup in a parameter', { client_id: '<script>alert(1)</script>' }],
])('the authorization endpoint refuses %s', async (_, changes) => {
  const end = await createBrowser().follow(authorizationUrl(api.url, pkce().challenge, changes), `${api.url}/callback`);
  if (end.response === undefined) expect(end.url).toMatch(/callback[?#]error=(invalid|unsupported)_/);
  else {
    expect(end.response.status).toBe(400);
    const page = await end.response.text();
    expect(page).toContain('That did not work');
    expect(page).not.toContain('<script');
  }
  expect(end.url).not.toContain('evil.example/callback?');
});

test('the log-in page says the same of an unknown user and a wrong password, runs no script, and ends tries', async () => {
  const open = async () => {
    const browser = createBrowser();
    const page = await browser.follow(authorizationUrl(api.url, pkce().challenge), `${api.url}/callback`);
    return { browser, page };
  };
  const { browser, page } = await open();
  const policy = page.response?.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("script-src 'none'");
  expect(policy).not.toContain('unsafe');
  expect(page.response?.headers.get('x-frame-options')).toBe('DENY');
  const first = (await page.response?.text()) ?? '';
  expect(first).toContain('<label for="email">');
  expect(first).not.toMatch(/<script|style=/);
  const attempt = async (email: string, headers: Record<string, string> = {}) => {
    const response = await browser.visit(page.url, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ email, password: 'wrong "><script>alert(1)</script>' }),
    });
    return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() };
  };
  const wrong = await attempt('viewer@iot.local');
  const unknown = await attempt('nobody@iot.local');
  expect(wrong.status).toBe(401);
  expect(unknown.text.replaceAll('nobody', 'viewer')).toBe(wrong.text);
  const injected = await attempt('"><script>alert(1)</script>');
  expect(injected.text).not.toContain('<script');
  expect((await attempt('x', { 'sec-fetch-site': 'cross-site' })).status).toBe(400);
  // Twelve password checks can take longer than the limit needs to forget one of them.
  api.time.frozen = Date.now();
  const tries = [];
  for (let i = 0; i < 12; i++) tries.push(await attempt('flooded@iot.local'));
  api.time.frozen = undefined;
  expect(tries.at(-1)?.status).toBe(429);
  expect(Number(tries.at(-1)?.retryAfter)).toBeGreaterThan(0);
  // Without the cookie of the one who began it, a log-in can not be gone on with.
  const stolen = await createBrowser().visit(page.url);
  expect(stolen.status).toBe(400);
});

test('seeding again changes nothing; another password replaces the old one; a wrong seed is refused without its secret', async () => {
  const rows = async () => (await core.query('select email, role, password_hash from users order by email')).rows;
  const before = await rows();
  await seedIdentity(api.postgres.core, seed);
  expect(await rows()).toEqual(before);
  const user = { email: 'new@iot.local', password: 'first password 1', role: 'viewer' as const, tenant: 'main' };
  await seedIdentity(api.postgres.core, { users: [user], clients: [] });
  const first = await rows();
  await seedIdentity(api.postgres.core, { users: [{ ...user, password: 'second password 2' }], clients: [] });
  expect(await rows()).not.toEqual(first);
  await expect(
    seedIdentity(api.postgres.core, { users: [{ ...user, password: 'short-pw' }], clients: [] }),
  ).rejects.toThrow(/users\.0\.password: a password has at least 12/);
  await expect(
    seedIdentity(api.postgres.core, {
      users: [],
      clients: [{ id: 'weak', secret: 'weak-secret', name: 'w', scopes: ['devices:read'], tenant: 'main' }],
    }),
  ).rejects.toThrow(/^(?!.*weak-secret).*at least 32/s);
});

test('expired state is swept', async () => {
  await core.query(
    "insert into oauth_state (model, id, payload, expires_at) values ('Session', 'old', '{}', now() - interval '1 hour')",
  );
  await sweepExpiredState(core);
  const { rows } = await core.query("select from oauth_state where id = 'old'");
  expect(rows).toHaveLength(0);
});

test('no log line has a secret', () => {
  const text = api.logText();
  expect(text).toContain('logged in');
  for (const secret of Object.values(secrets)) expect(text).not.toContain(secret);
  expect(text).not.toMatch(/eyJ[A-Za-z0-9_-]{10,}\./);
});
