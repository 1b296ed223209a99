import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publicKeyOfCsr } from '../../../runtime/devices/authority/csr.ts';
import { leafValidity, newSerial } from '../../../runtime/devices/authority/issuance.ts';
import {
  authorityFiles,
  ensureLocalAuthority,
  ensureServerCertificate,
  loadIssuer,
} from '../../../runtime/devices/authority/local-authority.ts';
import { newCsr } from '../../support/csr.ts';

const run = promisify(execFile);
const day = 86_400_000;
let base: string;
let dir: string;
const hosts = ['localhost', '127.0.0.1'];

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'iot-test-ca-'));
  dir = join(base, 'ca');
  await ensureLocalAuthority(dir);
});
afterAll(() => rm(base, { recursive: true, force: true }));

async function issue(device: string, tenant = 'main') {
  const issuer = await loadIssuer(dir);
  const { csr, key } = await newCsr();
  const issued = await issuer.issue({
    tenant,
    device,
    serial: newSerial((n) => crypto.getRandomValues(new Uint8Array(n))),
    ...leafValidity(90, Date.now(), issuer.notAfter),
    publicKey: await publicKeyOfCsr(csr),
  });
  return { ...issued, key, chain: issuer.chain };
}

describe('the local authority', () => {
  it('keeps what it made: the second call changes no file', async () => {
    const before = await Promise.all(authorityFiles.map((f) => readFile(join(dir, f), 'utf8')));
    expect(await ensureLocalAuthority(dir)).toEqual({ rootCa: join(dir, 'root-ca.pem'), created: false });
    expect(await Promise.all(authorityFiles.map((f) => readFile(join(dir, f), 'utf8')))).toEqual(before);
  });

  it('keeps keys to its user', async () => {
    for (const file of authorityFiles) {
      const mode = (await stat(join(dir, file))).mode & 0o777;
      expect(mode).toBe(file.endsWith('.key') ? 0o600 : 0o644);
    }
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
  });

  it('made by several at once is one authority, and leaves no draft', async () => {
    const shared = join(base, 'raced');
    const made = await Promise.all(Array.from({ length: 5 }, () => ensureLocalAuthority(shared)));
    expect(made.filter((m) => m.created)).toHaveLength(1);
    expect((await readdir(base)).filter((f) => f.includes('.new-'))).toEqual([]);
  });

  it('that lost a file is refused by name, and nothing is replaced', async () => {
    const broken = join(base, 'broken');
    await ensureLocalAuthority(broken);
    await rm(join(broken, 'issuing-ca.key'));
    const root = await readFile(join(broken, 'root-ca.pem'), 'utf8');
    await expect(ensureLocalAuthority(broken)).rejects.toThrow(/lacks issuing-ca\.key/);
    expect(await readFile(join(broken, 'root-ca.pem'), 'utf8')).toBe(root);
  });
});

describe('a device certificate', () => {
  it('names tenant and device in subject and URI, for clients only', async () => {
    const issued = await issue('sensor-1');
    const certificate = new X509Certificate(issued.certificate);
    expect(certificate.subject).toBe('O=main\nCN=sensor-1');
    expect(certificate.subjectAltName).toBe('URI:urn:iot:main:device:sensor-1');
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(certificate.ca).toBe(false);
    expect(certificate.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(issued.fingerprint256);
    expect(Date.parse(certificate.validFrom)).toBeLessThan(Date.now() - 4 * 60_000);
  });

  it.each(['a+CN=b', 'a.b~c%20-_', `x${'y'.repeat(254)}`].map((id) => [id.slice(0, 20), id]))(
    'carries the id %s unchanged',
    async (_short, id) => {
      const certificate = new X509Certificate((await issue(id)).certificate);
      expect(certificate.toLegacyObject().subject).toEqual({ O: 'main', CN: id });
      expect(certificate.subjectAltName).toContain(id.replaceAll('=', '='));
    },
  );

  it('is verified by OpenSSL with the root and the chain', async () => {
    for (const id of ['sensor-1', `x${'y'.repeat(254)}`]) {
      const issued = await issue(id);
      const cert = join(base, 'verify.pem');
      await writeFile(cert, issued.certificate);
      await writeFile(join(base, 'chain.pem'), issued.chain);
      const args = [
        'verify',
        '-purpose',
        'sslclient',
        '-CAfile',
        join(dir, 'root-ca.pem'),
        '-untrusted',
        join(base, 'chain.pem'),
        cert,
      ];
      expect((await run('openssl', args)).stdout).toContain('OK');
      const asServer = ['verify', '-purpose', 'sslserver', ...args.slice(3)];
      await expect(run('openssl', asServer)).rejects.toThrow();
    }
  });
});

describe('the server certificate', () => {
  const tls = () => join(base, 'tls');

  it('is verified by OpenSSL for its hosts, and never passes for a client', async () => {
    await ensureServerCertificate(dir, tls(), hosts);
    const server = join(tls(), 'server.pem');
    const verify = (...more: string[]) =>
      run('openssl', ['verify', ...more, '-CAfile', join(dir, 'root-ca.pem'), '-untrusted', server, server]);
    expect((await verify('-purpose', 'sslserver', '-verify_hostname', 'localhost')).stdout).toContain('OK');
    expect((await verify('-purpose', 'sslserver', '-verify_ip', '127.0.0.1')).stdout).toContain('OK');
    await expect(verify('-purpose', 'sslserver', '-verify_hostname', 'example.com')).rejects.toThrow();
    await expect(verify('-purpose', 'sslclient')).rejects.toThrow();
    expect((await stat(join(tls(), 'server.key'))).mode & 0o777).toBe(0o600);
  });

  it('is kept until a third of its life is left, then renewed', async () => {
    const first = await ensureServerCertificate(dir, tls(), hosts);
    expect(first.renewed).toBe(false);
    const at = (left: number) => () => first.notAfter.getTime() - left * day;
    expect((await ensureServerCertificate(dir, tls(), hosts, at(31))).renewed).toBe(false);
    expect((await ensureServerCertificate(dir, tls(), hosts, at(29))).renewed).toBe(true);
  });

  it('is renewed for other hosts and when it cannot be read', async () => {
    await ensureServerCertificate(dir, tls(), hosts);
    expect((await ensureServerCertificate(dir, tls(), [...hosts, 'iot.example.com'])).renewed).toBe(true);
    await writeFile(join(tls(), 'server.pem'), 'not a certificate');
    expect((await ensureServerCertificate(dir, tls(), hosts)).renewed).toBe(true);
    expect((await ensureServerCertificate(dir, tls(), hosts)).renewed).toBe(false);
  });
});
