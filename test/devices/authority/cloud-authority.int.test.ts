import { execFile } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AuthoritySettings } from '../../../runtime/contracts/settings/services.ts';
import { publicKeyOfCsr } from '../../../runtime/devices/authority/csr.ts';
import {
  type DeviceCertificatePlan,
  deviceUri,
  leafValidity,
  newSerial,
} from '../../../runtime/devices/authority/issuance.ts';
import type { Issuer } from '../../../runtime/devices/authority/issuer.ts';
import { ensureLocalAuthority } from '../../../runtime/devices/authority/local-authority.ts';
import { openIssuer } from '../../../runtime/devices/authority/open-issuer.ts';
import { rawSignature } from '../../../runtime/devices/authority/remote-key.ts';
import { ensureAuthority } from '../../../runtime/jobs/authority.ts';
import { readSettings } from '../../../runtime/platform/service/settings.ts';
import { newCsr } from '../../support/csr.ts';
import { kmsApi } from '../../support/google/kms.ts';
import { privateCaApi } from '../../support/google/privateca.ts';
import { type GoogleServer, refusal, startGoogle } from '../../support/google/server.ts';
import { quietLog } from '../../support/log.ts';
import { testPool } from '../../support/pool.ts';
import { type TestPostgres, testPostgres } from '../../support/postgres.ts';

const run = promisify(execFile);
const place = 'projects/my-project/locations/europe-west1';
const key = `${place}/keyRings/ring/cryptoKeys/issuing/cryptoKeyVersions/1`;
const rootPool = `${place}/caPools/root`;
const devicePool = `${place}/caPools/devices`;
const template = `${place}/certificateTemplates/issuing-ca`;
const day = 86_400_000;

let postgres: TestPostgres;
let core: pg.Pool;
let google: GoogleServer;
let cas: Awaited<ReturnType<typeof privateCaApi>>;
let kms: ReturnType<typeof kmsApi>;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'iot-test-authority-'));
  postgres = await testPostgres({ shards: ['shard_a'] });
  core = testPool(postgres.core);
}, 60_000);
afterAll(async () => {
  await core?.end();
  await postgres?.stop();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  await core.query('delete from issuing_authorities');
  [kms, cas] = [kmsApi(), await privateCaApi()];
  google = await startGoogle([kms.api, cas.api]);
  return () => google.stop();
});

const job = (more: Record<string, string> = {}, clock?: () => number) =>
  ensureAuthority(
    readSettings('jobs authority', AuthoritySettings, {
      IOT_INSTANCE: 'authority',
      IOT_CORE_DATABASE_URL: postgres.core,
      IOT_CA_KMS_KEY: key,
      IOT_CA_ROOT_POOL: rootPool,
      IOT_CA_TEMPLATE: template,
      IOT_GOOGLE_ENDPOINT: google.endpoint,
      ...more,
    }),
    quietLog,
    clock,
  );
const ofKms = () =>
  openIssuer(
    {
      IOT_CA_KMS_KEY: key,
      IOT_CA_ROOT_POOL: rootPool,
      IOT_DEVICE_CERTIFICATES: 'kms',
      IOT_GOOGLE_ENDPOINT: google.endpoint,
    },
    { core, log: quietLog },
  );

describe('the authority job', () => {
  it('has the root sign the key in KMS, once; again it does nothing', async () => {
    const first = await job();
    expect(await job()).toEqual({ serial: first.serial, made: false });
    expect([first.made, cas.signed()]).toEqual([true, 1]);
    const { rows } = await core.query('select * from issuing_authorities');
    expect(rows).toMatchObject([{ serial: first.serial, key, root_pool: rootPool }]);
    const certificate = new X509Certificate(rows[0].certificate);
    expect(certificate.publicKey.equals(kms.publicKeyOf(key))).toBe(true);
    expect([certificate.ca, rows[0].not_after.getTime()]).toEqual([true, certificate.validToDate.getTime()]);
    const asked = google.of('/certificates')[0]?.body as { certificateTemplate: string; lifetime: string };
    expect(asked.certificateTemplate).toBe(template);
  });

  it('renews when two thirds of the life are over, and the older CA stays trusted', async () => {
    await job();
    const present = await ofKms();
    present.stop();
    const late = present.notAfter.getTime() - 100 * day;
    expect((await job({}, () => late)).made).toBe(true);
    const issuer = await ofKms();
    expect(await issuer.trusted()).toHaveLength(3); // two issuing CAs and their root
    issuer.stop();
  });

  it('a run that lost the answer gets the same certificate from the next one', async () => {
    google.fail('/certificates', 'drop', 4);
    await expect(job()).rejects.toThrow('had no answer');
    google.fail('/certificates', refusal(503, 'UNAVAILABLE'), 1);
    await job();
    expect(cas.signed()).toBe(1);
    expect(new Set(google.of('/certificates').map(({ query }) => query['requestId'])).size).toBe(1);
  });

  it('stores nothing that is no CA for devices', async () => {
    // A template of another kind lets the pool answer with what the request alone says: no CA.
    await expect(job({ IOT_CA_TEMPLATE: `${place}/certificateTemplates/wrong` })).rejects.toThrow(
      'it is no CA with path length 0',
    );
    expect((await core.query('select from issuing_authorities')).rowCount).toBe(0);
  });

  it('the devices service says what to run while there is no certificate for its key', async () => {
    await expect(ofKms()).rejects.toThrow('run `jobs authority`');
  });
});

const issuers: { name: string; open: () => Promise<Issuer> }[] = [
  {
    name: 'a key in a folder',
    open: async () => {
      const folder = join(dir, randomBytes(4).toString('hex'));
      await ensureLocalAuthority(folder);
      return await openIssuer({ IOT_CA_DIR: folder, IOT_DEVICE_CERTIFICATES: 'kms' }, { core, log: quietLog });
    },
  },
  {
    name: 'a key in KMS',
    open: async () => {
      await job();
      return await ofKms();
    },
  },
  {
    name: 'Certificate Authority Service',
    open: () =>
      openIssuer(
        { IOT_DEVICE_CERTIFICATES: 'cas', IOT_DEVICE_CA_POOL: devicePool, IOT_GOOGLE_ENDPOINT: google.endpoint },
        { core, log: quietLog },
      ),
  },
];

describe.each(issuers)('device certificates by $name', ({ open }) => {
  async function plan(issuer: Issuer, device = 'pump-1'): Promise<DeviceCertificatePlan> {
    const { csr } = await newCsr();
    const random = (bytes: number) => randomBytes(bytes);
    return {
      tenant: 'main',
      device,
      serial: newSerial(random),
      publicKey: await publicKeyOfCsr(csr),
      ...leafValidity(90, Date.now(), issuer.notAfter),
    };
  }

  it('name the device, fit its key, and hold for openssl by what gateways trust', async () => {
    const issuer = await open();
    const asked = await plan(issuer, 'pump+1');
    const issued = await issuer.issue(asked);
    const certificate = new X509Certificate(issued.certificate);
    expect(certificate.subjectAltName).toBe(`URI:${deviceUri('main', 'pump+1')}`);
    expect(certificate.subject).toBe('O=main\nCN=pump\\+1');
    expect(Buffer.from(certificate.publicKey.export({ type: 'spki', format: 'der' }))).toEqual(
      Buffer.from(asked.publicKey),
    );
    expect(certificate.serialNumber.toLowerCase()).toBe(issued.serial);
    expect(certificate.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(issued.fingerprint256);
    expect([certificate.validFromDate, certificate.validToDate]).toEqual([issued.notBefore, issued.notAfter]);
    const file = async (name: string, text: string) => {
      const path = join(dir, `${name}-${randomBytes(4).toString('hex')}.pem`);
      await writeFile(path, text);
      return path;
    };
    const leaf = await file('leaf', issued.certificate);
    const trusted = await file('trusted', (await issuer.trusted()).join(''));
    const root = await file('root', issued.trust);
    const chain = await file('chain', issued.chain);
    const ways = [
      ['-CAfile', trusted],
      ['-CAfile', root, '-untrusted', chain],
    ];
    for (const way of ways)
      expect((await run('openssl', ['verify', '-purpose', 'sslclient', ...way, leaf])).stdout).toContain('OK');
    await expect(run('openssl', ['verify', '-purpose', 'sslserver', '-CAfile', trusted, leaf])).rejects.toThrow();
    issuer.stop();
  });

  it('many at once are all different', async () => {
    const issuer = await open();
    const plans = await Promise.all(Array.from({ length: 8 }, (_, n) => plan(issuer, `d-${n}`)));
    const all = await Promise.all(plans.map((each) => issuer.issue(each)));
    expect(new Set(all.map(({ serial }) => serial)).size).toBe(8);
    issuer.stop();
  });
});

describe('failures of an authority in the cloud', () => {
  it('KMS away: no certificate, and the reason', async () => {
    await job();
    const issuer = await ofKms();
    google.fail(':asymmetricSign', refusal(503, 'UNAVAILABLE', 'try later'), 9);
    const { csr } = await newCsr();
    const asked = {
      tenant: 'main',
      device: 'd',
      serial: newSerial((bytes) => randomBytes(bytes)),
      publicKey: await publicKeyOfCsr(csr),
      ...leafValidity(90, Date.now(), issuer.notAfter),
    };
    await expect(issuer.issue(asked)).rejects.toThrow('503 UNAVAILABLE');
    expect(google.of(':asymmetricSign').filter(({ path }) => path.includes(key))).toHaveLength(1 + 3);
    issuer.stop();
  });
});

describe('signatures of KMS as Web Crypto has them', () => {
  const der = (...numbers: number[][]) => {
    const body = numbers.flatMap((number) => [2, number.length, ...number]);
    return Uint8Array.from([0x30, body.length, ...body]);
  };
  it('whatever the numbers, leading zeros too', () => {
    const number = fc.uint8Array({ minLength: 1, maxLength: 32 }).map((bytes) => {
      const at = bytes.findIndex((byte) => byte !== 0);
      const plain = at < 0 ? [0] : [...bytes.subarray(at)];
      return (plain[0] as number) > 127 ? [0, ...plain] : plain;
    });
    fc.assert(
      fc.property(number, number, (r, s) => {
        const raw = Buffer.from(rawSignature(der(r, s)));
        const half = (bytes: number[]) =>
          Buffer.from(bytes)
            .toString('hex')
            .replace(/^(00)+/, '')
            .padStart(64, '0');
        expect(raw.toString('hex')).toBe(half(r) + half(s));
      }),
    );
  });
  it.each([
    ['nothing', []],
    ['a number too long', [0x30, 0x25, 2, 0x21, ...new Array(33).fill(1), 2, 0]],
    ['a wrong length', [0x30, 7, 2, 1, 1, 2, 1, 1]],
    ['more behind it', [0x30, 7, 2, 1, 1, 2, 1, 1, 0]],
  ])('refuses %s', (_what, bytes) => {
    expect(() => rawSignature(Uint8Array.from(bytes))).toThrow('not in DER form');
  });
});
