import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { secrets, startTestApi, type TestApi } from './harness.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api?.stop());

test('a machine gets a token by client credentials, and the API takes it', async () => {
  const token = await api.token();
  expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
  const claims = decodeJwt(token);
  expect(claims).toMatchObject({ iss: api.url, aud: api.url, tenant: 'main', client_id: 'operator', sub: 'operator' });
  expect(claims['scope']).toBe('devices:read devices:write telemetry:read platform:read');
  expect((claims.exp as number) - (claims.iat as number)).toBe(900);
  const me = await fetch(`${api.url}/v1/whoami`, { headers: { authorization: `Bearer ${token}` } });
  expect(me.status).toBe(200);
  expect(await me.json()).toMatchObject({ subject: 'operator', tenant: 'main' });
});
