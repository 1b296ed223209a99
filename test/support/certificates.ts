import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as unknown as Crypto);
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const hour = 3_600_000;

export type KeyAndCert = { key: string; cert: string; serial: string };
export type CertificateOptions = {
  tenant?: string;
  /** From now, milliseconds. */
  notBefore?: number;
  notAfter?: number;
  usage?: 'clientAuth' | 'serverAuth' | 'none';
  serial?: string;
};

/** An authority of a test's own: signs device and server certificates. */
export type TestAuthority = {
  cert: string;
  device(id: string, options?: CertificateOptions): Promise<KeyAndCert>;
  server(hosts?: string[]): Promise<KeyAndCert>;
};

export async function testAuthority(name = 'test authority'): Promise<TestAuthority> {
  const keys = await newKeys();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    serialNumber: newSerial(),
    notBefore: new Date(Date.now() - hour),
    notAfter: new Date(Date.now() + 24 * hour),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  const issue = async (subject: string, options: CertificateOptions, extensions: x509.Extension[]) => {
    const own = await newKeys();
    const serial = options.serial ?? newSerial();
    const cert = await x509.X509CertificateGenerator.create({
      subject,
      issuer: root.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      serialNumber: serial,
      notBefore: new Date(Date.now() + (options.notBefore ?? -hour)),
      notAfter: new Date(Date.now() + (options.notAfter ?? hour)),
      signingAlgorithm: algorithm,
      extensions,
    });
    return { cert: cert.toString('pem'), key: await exportKey(own), serial };
  };
  return {
    cert: root.toString('pem'),
    device: (id, options = {}) =>
      issue(`CN=${id},O=${options.tenant ?? 'main'}`, options, [
        new x509.BasicConstraintsExtension(false),
        ...(options.usage === 'none'
          ? []
          : [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[options.usage ?? 'clientAuth']])]),
      ]),
    server: (hosts = ['localhost']) =>
      issue('CN=localhost', {}, [
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([
          ...hosts.map((value) => ({ type: 'dns' as const, value })),
          { type: 'ip' as const, value: '127.0.0.1' },
        ]),
      ]),
  };
}

/** A device certificate signed by its own key. */
export async function selfSigned(id: string, tenant = 'main'): Promise<KeyAndCert> {
  const keys = await newKeys();
  const serial = newSerial();
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${id},O=${tenant}`,
    keys,
    serialNumber: serial,
    notBefore: new Date(Date.now() - hour),
    notAfter: new Date(Date.now() + hour),
    signingAlgorithm: algorithm,
    extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])],
  });
  return { cert: cert.toString('pem'), key: await exportKey(keys), serial };
}

async function newKeys(): Promise<CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
}

async function exportKey(keys: CryptoKeyPair): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey as never), 'PRIVATE KEY');
}

/** Positive in DER, without a leading zero byte. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
