import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device, IssuedCertificate } from '../../../runtime/contracts/http/devices.ts';
import type { ClaimCode, MintedClaimCodes } from '../../../runtime/contracts/http/enrolment.ts';
import type { Problem } from '../../../runtime/contracts/http/operation.ts';
import { createRequest } from '../../../runtime/device/enrol.ts';
import { type Ask, askAs } from '../../support/internal.ts';
import { type DevicesStand, devicesStand } from '../harness.ts';

let stand: DevicesStand;
let ask: Ask;
beforeAll(async () => {
  stand = await devicesStand();
  ask = askAs(stand.service.port);
  await stand.core.query("insert into tenants (id, name) values ('other', 'Other')");
});
afterAll(() => stand?.stop());

const codes = '/internal/v1/claim-codes';
const mint = async (more: Record<string, unknown> = {}, as = ask) => {
  const answer = await as('POST', codes, more);
  expect(answer.status, answer.text).toBe(201);
  return (answer.body as MintedClaimCodes).items;
};
const mintOne = async (more: Record<string, unknown> = {}, as = ask) => {
  const [one] = await mint(more, as);
  if (one === undefined) throw new Error('no code');
  return one;
};
const enrol = async (code: string, csr: string, device?: string) =>
  await ask('POST', '/internal/v1/enrol', { code, csr, ...(device === undefined ? {} : { device }) });
const detail = (body: unknown) => (body as Problem).detail;
const auditOf = async (action: string) =>
  (await stand.core.query('select * from audit_log where action = $1 order by id', [action])).rows;

describe('claim codes', () => {
  it('are made in bulk, shown once, kept as keyed hashes, listed by page, each written down', async () => {
    const made = await mint({ count: 5, prefix: 'bulk-', tags: ['hall-1'], expiresInHours: 2 });
    expect(new Set(made.map(({ code }) => code)).size).toBe(5);
    const rows = (await stand.core.query('select * from claim_codes')).rows;
    for (const { code } of made) expect(JSON.stringify(rows)).not.toContain(code.replaceAll('-', ''));
    expect(rows[0].code_hash).toHaveLength(32);
    const listed: ClaimCode[] = [];
    for (let cursor = ''; ; ) {
      const page = (await ask('GET', `${codes}?limit=2${cursor}`)).body as { items: ClaimCode[]; next: string | null };
      listed.push(...page.items);
      if (page.next === null) break;
      cursor = `&cursor=${page.next}`;
    }
    expect(listed.map(({ id }) => id).sort()).toEqual(made.map(({ id }) => id).sort());
    expect(listed[0]).toMatchObject({ status: 'open', prefix: 'bulk-', tags: ['hall-1'], usedBy: null });
    expect(listed[0]).not.toHaveProperty('code');
    const [line] = await auditOf('claim-code.create');
    expect(line).toMatchObject({ subject: 'tester@example.com', tenant: 'main' });
    expect(JSON.stringify(line)).not.toContain(made[0]?.code);
  });

  it.each([
    [{ count: 2, device: 'fixed-1' }, 422, 'body.device'],
    [{ device: 'fixed-1', prefix: 'a' }, 422, 'body.device'],
    [{ type: 'no-such' }, 422, 'body.type'],
    [{ count: 1_001 }, 400, 'body.count'],
    [{ expiresInHours: 0 }, 400, 'body.expiresInHours'],
    [{ prefix: '1' }, 400, 'body.prefix'],
  ])('%j is refused', async (body, status, field) => {
    const answer = await ask('POST', codes, body);
    expect([answer.status, (answer.body as Problem).errors?.[0]?.field]).toEqual([status, field]);
  });

  it('trade for a certificate, once: device registered, certificate issued, code used, all in the audit log', async () => {
    const { id, code } = await mintOne({ prefix: 'pump-', tags: ['a'] });
    const { csr } = await createRequest('pump-1');
    const answer = await enrol(code.toLowerCase().replaceAll('-', ' '), csr);
    expect(answer.status, answer.text).toBe(201);
    const issued = answer.body as IssuedCertificate;
    expect(issued.device).toBe('pump-1');
    expect(new X509Certificate(issued.certificate).subject).toBe('O=main\nCN=pump-1');
    const device = (await ask('GET', '/internal/v1/devices/pump-1')).body as Device;
    expect(device).toMatchObject({ type: 'generic', tags: ['a'], status: 'active' });
    const used = (await ask('GET', `${codes}?status=used`)).body as { items: ClaimCode[] };
    expect(used.items).toEqual([expect.objectContaining({ id, status: 'used', usedBy: 'pump-1' })]);
    const lines = (
      await stand.core.query('select action from audit_log where subject = $1 order by id', [`claim-code:${id}`])
    ).rows;
    expect(lines.map((l) => l.action)).toEqual(['device.create', 'certificate.issue', 'claim-code.use']);
    const other = await enrol(code, (await createRequest('pump-2')).csr);
    expect([other.status, detail(other.body)]).toEqual([409, expect.stringContaining('used by another key')]);
    expect((await ask('GET', '/internal/v1/devices/pump-2')).status).toBe(404);
  });

  it('give the certificate again to the same key, for a day, while it is good', async () => {
    const { id, code } = await mintOne();
    const request = await createRequest('again-1');
    const first = (await enrol(code, request.csr)).body as IssuedCertificate;
    const same = await enrol(code, (await createRequest('again-1', request.key)).csr);
    expect([same.status, same.body]).toEqual([201, first]);
    const count = async () =>
      (await stand.core.query("select count(*)::int as n from certificates where device_id = 'again-1'")).rows[0].n;
    expect(await count()).toBe(1);
    await stand.core.query("update claim_codes set used_at = now() - interval '25 hours' where id = $1", [id]);
    expect((await enrol(code, request.csr)).status).toBe(409);
    await stand.core.query('update claim_codes set used_at = now() where id = $1', [id]);
    await ask('POST', `/internal/v1/devices/again-1/certificates/${first.serial}/revoke`, {});
    expect((await enrol(code, request.csr)).status).toBe(409);
    expect(await count()).toBe(1);
  });

  it('used twice at the same time by ten keys: one device, one certificate, nine refusals', async () => {
    const { code } = await mintOne();
    const requests = await Promise.all(Array.from({ length: 10 }, (_, i) => createRequest(`race-${i}`)));
    const answers = await Promise.all(requests.map(({ csr }) => enrol(code, csr)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
    const rows = (await stand.core.query("select id from devices where id like 'race-%'")).rows;
    expect(rows).toHaveLength(1);
  });

  it('one key at ten connections: the same certificate ten times', async () => {
    const { code } = await mintOne();
    const { csr } = await createRequest('tenfold-1');
    const answers = await Promise.all(Array.from({ length: 10 }, () => enrol(code, csr)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(201));
    expect(new Set(answers.map(({ body }) => (body as IssuedCertificate).serial)).size).toBe(1);
  });

  it('unknown, expired or revoked are refused, and leave no device behind', async () => {
    const { csr } = await createRequest('nobody-1');
    const unknown = await enrol('00000-00000-00000-00000', csr);
    expect([unknown.status, detail(unknown.body)]).toEqual([404, expect.stringContaining('not known')]);
    const old = await mintOne();
    await stand.core.query("update claim_codes set expires_at = now() - interval '1 second' where id = $1", [old.id]);
    const expired = await enrol(old.code, csr);
    expect([expired.status, detail(expired.body)]).toEqual([409, expect.stringContaining('expired')]);
    const gone = await mintOne();
    const revoked = await ask('POST', `${codes}/${gone.id}/revoke`, { reason: 'list lost' });
    expect(revoked.body).toMatchObject({ status: 'revoked' });
    expect((await enrol(gone.code, csr)).status).toBe(409);
    expect((await ask('GET', '/internal/v1/devices/nobody-1')).status).toBe(404);
    expect((await auditOf('claim-code.revoke')).at(-1)).toMatchObject({
      target: gone.id,
      after: { reason: 'list lost' },
    });
  });

  it('never take over a device that exists, unless made for it; and a blocked one stays out', async () => {
    await ask('POST', '/internal/v1/devices', { id: 'taken-1' });
    const taken = await enrol((await mintOne()).code, (await createRequest('taken-1')).csr);
    expect([taken.status, (taken.body as Problem).title]).toEqual([409, 'Device exists']);
    const own = await enrol((await mintOne({ device: 'taken-1' })).code, (await createRequest(undefined)).csr);
    expect([own.status, (own.body as IssuedCertificate).device]).toEqual([201, 'taken-1']);
    await ask('POST', '/internal/v1/devices/taken-1/block', {});
    const blocked = await mintOne({ device: 'taken-1' });
    expect((await enrol(blocked.code, (await createRequest('taken-1')).csr)).status).toBe(409);
    const left = (await ask('GET', `${codes}?status=open`)).body as { items: ClaimCode[] };
    expect(left.items.map(({ id }) => id)).toContain(blocked.id);
  });

  it.each([
    ['another device than the body', 'subject-1', 'subject-2', /CN must be the device id/],
    ['no device id', 'x', undefined, /no device id/],
  ])('a request whose subject is %s is refused', async (_, subject, wanted, words) => {
    const { code } = await mintOne();
    const answer = await enrol(code, (await createRequest(subject)).csr, wanted);
    expect([answer.status, detail(answer.body)]).toEqual([422, expect.stringMatching(words)]);
  });

  it("belong to a tenant: another's device, list and revocation are out of reach", async () => {
    const other = askAs(stand.service.port, 'other');
    const { id, code } = await mintOne({ device: 'shared-1' }, other);
    await ask('POST', '/internal/v1/devices', { id: 'shared-1' });
    expect((await ask('POST', `${codes}/${id}/revoke`, {})).status).toBe(404);
    const answer = await enrol(code, (await createRequest('shared-1')).csr);
    expect(new X509Certificate((answer.body as IssuedCertificate).certificate).subject).toBe('O=other\nCN=shared-1');
    const listed = (await other('GET', codes)).body as { items: ClaimCode[] };
    expect(listed.items.map((c) => c.id)).toEqual([id]);
  });
});

describe("a device type's certificates", () => {
  const rsa = {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  };
  const p384 = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' };

  it('have the life and the kinds of key that it allows, and no others', async () => {
    const type = { id: 'meter', metrics: {}, certificates: { days: 7, keys: ['P-384', 'RSA-2048'] } };
    expect((await ask('PUT', '/internal/v1/device-types/meter', type)).status).toBe(200);
    const { x509 } = await import('../../../runtime/devices/authority/x509.ts');
    const csrOf = async (algorithm: RsaHashedKeyGenParams | (EcKeyGenParams & { hash: string })) => {
      const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
      return (
        await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: algorithm as EcdsaParams })
      ).toString('pem');
    };
    for (const algorithm of [rsa, p384]) {
      const answer = await enrol((await mintOne({ type: 'meter' })).code, await csrOf(algorithm));
      expect(answer.status, answer.text).toBe(201);
      const { certificate, device } = answer.body as IssuedCertificate;
      expect(device).toMatch(/^meter-[0-9a-f]{12}$/);
      const { validFromDate, validToDate } = new X509Certificate(certificate);
      expect((validToDate.getTime() - validFromDate.getTime()) / 86_400_000).toBeCloseTo(7, 1);
    }
    const refused = await enrol((await mintOne({ type: 'meter' })).code, (await createRequest(undefined)).csr);
    expect([refused.status, detail(refused.body)]).toEqual([
      422,
      expect.stringMatching(/P-256; allowed.*P-384, RSA-2048/),
    ]);
    const generic = await enrol((await mintOne()).code, await csrOf(rsa));
    expect([generic.status, detail(generic.body)]).toEqual([422, expect.stringMatching(/RSA-2048; allowed.*P-256/)]);
  });
});
