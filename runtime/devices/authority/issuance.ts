import { x509 } from './x509.ts';

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const day = 86_400_000;
/** Certificates begin this much earlier than now: a device's clock may run late. */
export const backdateMs = 5 * 60_000;

export type Clock = () => number;
/** Random bytes; injected so that issuance is a function of its input. */
export type Random = (bytes: number) => Uint8Array;

/** A certificate authority's key and certificate. */
export type Authority = {
  key: CryptoKey;
  certificate: x509.X509Certificate;
  /** Web Crypto that signs with `key` where the machine's own cannot: the key is in KMS (remote-key.ts). */
  crypto?: Crypto;
};

/** What a device certificate says; everything is ours, nothing the requester's but the key. */
export type DeviceCertificatePlan = {
  tenant: string;
  device: string;
  /** Lower-case hex, 128 bits, positive, without leading zero. */
  serial: string;
  notBefore: Date;
  notAfter: Date;
  /** SubjectPublicKeyInfo, DER. */
  publicKey: Uint8Array<ArrayBuffer>;
};

/** URI by which a certificate names its device in full; the common name carries the id too, for tools that show it. */
export function deviceUri(tenant: string, device: string): string {
  return `urn:iot:${tenant}:device:${device}`;
}

/** 128 random bits whose first byte is 0x40 to 0x7f: positive and always 16 bytes in DER (RFC 5280 section 4.1.2.2). */
export function newSerial(random: Random): string {
  const bytes = Buffer.from(random(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

/** Validity of a leaf from now on, never beyond its issuer's own end. */
export function leafValidity(days: number, now: number, issuerEnds: Date): { notBefore: Date; notAfter: Date } {
  const notAfter = Math.min(now + days * day, issuerEnds.getTime());
  return { notBefore: new Date(wholeSecond(now - backdateMs)), notAfter: new Date(wholeSecond(notAfter)) };
}

/** Self-signed root; it signs CAs only. */
export async function createRoot(name: string, years: number, clock: Clock, random: Random): Promise<Authority> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(random),
    name: [{ CN: [name] }],
    ...lifeOf(years, clock),
    keys,
    signingAlgorithm: ecdsa,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { key: keys.privateKey, certificate };
}

/**
 * A CA below the root for one purpose. The purpose stands in it as extended key usage, which chain checks apply to all
 * that it signs: a server certificate of the server CA can never pass for a device's.
 */
export async function createIntermediate(
  root: Authority,
  name: string,
  purpose: 'devices' | 'servers',
  years: number,
  clock: Clock,
  random: Random,
): Promise<Authority> {
  const keys = await newKeys();
  const usage = purpose === 'devices' ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(random),
    subject: [{ CN: [name] }],
    issuer: root.certificate.subjectName.toJSON(),
    ...lifeOf(years, clock),
    publicKey: keys.publicKey,
    signingKey: root.key,
    signingAlgorithm: ecdsa,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(root.certificate.publicKey),
    ],
  });
  return { key: keys.privateKey, certificate };
}

export async function issueDeviceCertificate(
  issuing: Authority,
  plan: DeviceCertificatePlan,
): Promise<x509.X509Certificate> {
  return await x509.X509CertificateGenerator.create(
    {
      serialNumber: plan.serial,
      // As data, never as text: an id may hold `+`, which separates names in RFC 4514 text.
      subject: [{ O: [plan.tenant] }, { CN: [plan.device] }],
      issuer: issuing.certificate.subjectName.toJSON(),
      notBefore: plan.notBefore,
      notAfter: plan.notAfter,
      publicKey: plan.publicKey,
      signingKey: issuing.key,
      signingAlgorithm: ecdsa,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: deviceUri(plan.tenant, plan.device) }]),
        await x509.AuthorityKeyIdentifierExtension.create(issuing.certificate.publicKey),
      ],
    },
    issuing.crypto,
  );
}

/** A server's certificate for host names and addresses, with its new key. */
export async function issueServerCertificate(
  ca: Authority,
  hosts: readonly string[],
  days: number,
  clock: Clock,
  random: Random,
): Promise<Authority> {
  const keys = await newKeys();
  const names = hosts.map((host) => ({ type: isAddress(host) ? ('ip' as const) : ('dns' as const), value: host }));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(random),
    subject: [{ CN: [hosts[0] ?? 'server'] }],
    issuer: ca.certificate.subjectName.toJSON(),
    ...leafValidity(days, clock(), ca.certificate.notAfter),
    publicKey: keys.publicKey,
    signingKey: ca.key,
    signingAlgorithm: ecdsa,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.AuthorityKeyIdentifierExtension.create(ca.certificate.publicKey),
    ],
  });
  return { key: keys.privateKey, certificate };
}

function isAddress(host: string): boolean {
  return /^[0-9.]+$/.test(host) || host.includes(':');
}

function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ecdsa, true, ['sign', 'verify']) as Promise<CryptoKeyPair>;
}

function lifeOf(years: number, clock: Clock): { notBefore: Date; notAfter: Date } {
  const now = clock();
  return {
    notBefore: new Date(wholeSecond(now - backdateMs)),
    notAfter: new Date(wholeSecond(now + years * 365 * day)),
  };
}

/** Times in certificates have whole seconds; so the row in the registry equals the certificate. */
function wholeSecond(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000;
}
