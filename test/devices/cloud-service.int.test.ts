import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deviceTrustPath } from '../../runtime/contracts/http/index.ts';
import { AuthoritySettings } from '../../runtime/contracts/settings/services.ts';
import { ensureAuthority } from '../../runtime/jobs/authority.ts';
import { readSettings } from '../../runtime/platform/service/settings.ts';
import { newCsr } from '../support/csr.ts';
import { kmsApi } from '../support/google/kms.ts';
import { privateCaApi } from '../support/google/privateca.ts';
import { type GoogleServer, refusal, startGoogle } from '../support/google/server.ts';
import { bearer } from '../support/identity.ts';
import { quietLog } from '../support/log.ts';
import { type DevicesStand, devicesStand } from './harness.ts';

const place = 'projects/my-project/locations/europe-west1';
let google: GoogleServer;
let stand: DevicesStand;

beforeAll(async () => {
  google = await startGoogle([kmsApi().api, (await privateCaApi()).api]);
  const authority = {
    IOT_CA_KMS_KEY: `${place}/keyRings/ring/cryptoKeys/issuing/cryptoKeyVersions/1`,
    IOT_CA_ROOT_POOL: `${place}/caPools/root`,
    IOT_GOOGLE_ENDPOINT: google.endpoint,
  };
  stand = await devicesStand(quietLog, async (coreUrl) => {
    const job = { IOT_INSTANCE: 'authority', IOT_CORE_DATABASE_URL: coreUrl };
    const template = { IOT_CA_TEMPLATE: `${place}/certificateTemplates/issuing-ca` };
    await ensureAuthority(readSettings('jobs', AuthoritySettings, { ...job, ...authority, ...template }), quietLog);
    return authority;
  });
}, 60_000);
afterAll(async () => {
  await stand?.stop();
  await google?.stop();
});

async function call(
  method: string,
  path: string,
  body?: unknown,
  caller: 'api' | 'gateway' = 'api',
): Promise<{ status: number; body: never }> {
  const response = await fetch(`http://127.0.0.1:${stand.service.port}${path}`, {
    method,
    headers: {
      authorization: bearer(caller, 'devices'),
      'content-type': 'application/json',
      'x-iot-tenant': 'main',
      'x-iot-subject': 'test',
      'x-iot-scopes': 'devices:read devices:write',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as never };
}

it('the devices service signs by the key in KMS, and gateways get the CAs to trust, as its own database user', async () => {
  await call('POST', '/internal/v1/devices', { id: 'pump-1', name: 'Pump', type: 'generic' });
  const { csr } = await newCsr();
  const { status, body } = await call('POST', '/internal/v1/devices/pump-1/certificates', { csr });
  expect(status).toBe(201);
  const issued = body as { certificate: string; chain: string; ca: string; serial: string };
  const certificate = new X509Certificate(issued.certificate);
  expect(certificate.serialNumber.toLowerCase()).toBe(issued.serial);
  expect(certificate.verify(new X509Certificate(issued.chain).publicKey)).toBe(true);
  const trust = await call('GET', deviceTrustPath, undefined, 'gateway');
  expect(trust.body).toEqual({ authorities: [issued.chain, issued.ca] });
});

it('while KMS is away only certificates fail, without a row, and the next try is good', async () => {
  const { csr } = await newCsr();
  const count = async () => (await stand.core.query('select from certificates')).rowCount;
  const before = await count();
  // As often as would open the breaker of a store that is away; each request is three tries.
  google.fail(':asymmetricSign', refusal(503, 'UNAVAILABLE'), 3 * 6);
  for (let tries = 0; tries < 6; tries++) {
    const { status, body } = await call('POST', '/internal/v1/devices/pump-1/certificates', { csr });
    expect([status, (body as { title: string }).title]).toEqual([503, 'Authority away']);
  }
  expect((await call('GET', '/internal/v1/devices/pump-1')).status).toBe(200);
  expect(await count()).toBe(before);
  expect((await call('POST', '/internal/v1/devices/pump-1/certificates', { csr })).status).toBe(201);
});
