import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CsrRefused, publicKeyOfCsr } from '../../../runtime/devices/authority/csr.ts';
import { x509 } from '../../../runtime/devices/authority/x509.ts';

type Algorithm = RsaHashedKeyGenParams | (EcKeyGenParams & { hash: string });
const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

async function csr(algorithm: Algorithm = p256, name = 'CN=anything'): Promise<string> {
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: algorithm as EcdsaParams,
  });
  return request.toString('pem');
}
const bytesOf = (pem: string) => Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
const pemOf = (der: Buffer) =>
  `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;

describe('a request for a certificate', () => {
  it('with a P-256 key and its signature gives the key', async () => {
    const pem = await csr();
    expect(Buffer.from(await publicKeyOfCsr(pem))).toEqual(
      Buffer.from(new x509.Pkcs10CertificateRequest(pem).publicKey.rawData),
    );
  });

  it('made by OpenSSL gives the key', async () => {
    const args = ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const out = execFileSync('openssl', [...args, '-keyout', '/dev/null', '-subj', '/CN=x'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect((await publicKeyOfCsr(out.toString())).length).toBe(91);
  });

  it.each([
    [
      'an RSA key',
      { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
    ],
    ['a P-384 key', { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' }],
    ['a P-521 key', { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' }],
  ])('with %s is refused', async (_name, algorithm) => {
    await expect(publicKeyOfCsr(await csr(algorithm))).rejects.toThrow(/P-256/);
  });

  it('signed with SHA-1 is refused', async () => {
    await expect(publicKeyOfCsr(await csr({ ...p256, hash: 'SHA-1' }))).rejects.toThrow(/SHA-256/);
  });

  it("for another's key, without holding it, is refused", async () => {
    const mine = bytesOf(await csr());
    const theirs = bytesOf(await csr());
    const point = (der: Buffer) => der.indexOf('034200', 0, 'hex') + 4;
    theirs.copy(mine, point(mine), point(theirs), point(theirs) + 64);
    await expect(publicKeyOfCsr(pemOf(mine))).rejects.toThrow(CsrRefused);
    await expect(publicKeyOfCsr(pemOf(mine))).rejects.toThrow(/signature/);
  });

  it('with a changed subject is refused: the signature covers it', async () => {
    const der = bytesOf(await csr(p256, 'CN=aaaa'));
    der.write('bbbb', der.indexOf('aaaa'));
    await expect(publicKeyOfCsr(pemOf(der))).rejects.toThrow(/signature/);
  });

  it('with a point off the curve is refused', async () => {
    const der = bytesOf(await csr());
    const at = der.indexOf('034200', 0, 'hex') + 10;
    der[at] = (der[at] ?? 0) ^ 1;
    await expect(publicKeyOfCsr(pemOf(der))).rejects.toThrow(CsrRefused);
  });

  it.each([
    ['nothing', ''],
    ['text', 'x'.repeat(200)],
    ['another block', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
    ['no DER', '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----'],
    ['a giant', `-----BEGIN CERTIFICATE REQUEST-----\n${'A'.repeat(1_000_000)}\n-----END CERTIFICATE REQUEST-----`],
    ['deep DER', pemOf(Buffer.concat(Array.from({ length: 1_500 }, () => Buffer.from([0x30, 0x80]))))],
  ])('that is %s is refused', async (_name, pem) => {
    await expect(publicKeyOfCsr(pem)).rejects.toThrow(CsrRefused);
  });

  it('of two blocks is refused', async () => {
    await expect(publicKeyOfCsr((await csr()) + (await csr()))).rejects.toThrow(/exactly one/);
  });

  it('with any byte changed is refused or gives a key that it proves', async () => {
    const der = bytesOf(await csr());
    const key = Buffer.from(await publicKeyOfCsr(pemOf(der))).toString('hex');
    await fc.assert(
      fc.asyncProperty(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(der);
        changed[at] = (changed[at] ?? 0) ^ flip;
        const got = await publicKeyOfCsr(pemOf(changed)).catch((error: unknown) => error);
        // Only bytes that the signature does not cover may change anything, and they cannot change the key.
        if (!(got instanceof CsrRefused)) expect(Buffer.from(got as Uint8Array).toString('hex')).toBe(key);
      }),
      { numRuns: 300 },
    );
  });
});
