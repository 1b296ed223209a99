import type { X509Certificate } from 'node:crypto';
import { deviceIdPattern, tenantIdPattern } from '../../contracts/identifiers.ts';

/** OpenSSL prints serial numbers in upper case, X.509 allows a leading zero byte: one spelling for both. */
export const plainSerial = (serial: string) =>
  serial
    .toLowerCase()
    .replaceAll(':', '')
    .replace(/^0+(?=.)/, '');

/** Who a connection is. */
export type Identity = {
  tenant: string;
  device: string;
  /** Of its certificate; none when it came in by JWT. */
  serial: string | undefined;
  /** Id of the factory CA that signed its certificate. */
  factory?: string;
  /** Id of the key that signed its JWT, and when that is over, epoch milliseconds. */
  key?: string;
  endsAt?: number;
};

const clientAuth = '1.3.6.1.5.5.7.3.2';

/** What is read of a certificate: an `X509Certificate` of node:crypto, which costs a seventh of `getPeerCertificate()`. */
export type CertificateFields = Pick<
  X509Certificate,
  'subject' | 'serialNumber' | 'validFromDate' | 'validToDate' | 'ca'
> & { keyUsage: readonly string[] | undefined };

/**
 * Reads the identity out of a certificate whose chain OpenSSL has verified in this handshake or, for a resumed session,
 * in the one before; a resumed session's validity is therefore checked here again.
 * @returns the identity, or why there is none.
 */
export function identify(certificate: CertificateFields | undefined, now: number): Identity | { refused: string } {
  if (certificate === undefined) return { refused: 'no client certificate' };
  const device = onlyPart(certificate.subject, 'CN=');
  if (device === undefined || !deviceIdPattern.test(device))
    return { refused: 'the certificate subject must have one CN, a device id' };
  const tenant = onlyPart(certificate.subject, 'O=');
  if (tenant === undefined || !tenantIdPattern.test(tenant))
    return { refused: 'the certificate subject must have one O, a tenant id' };
  if (certificate.ca) return { refused: 'the certificate is one of an authority, not of a device' };
  if (!(certificate.keyUsage ?? []).includes(clientAuth))
    return { refused: 'the certificate is not for client authentication (extended key usage)' };
  const { validFromDate, validToDate } = certificate;
  if (now < validFromDate.getTime()) return { refused: `the certificate is valid from ${validFromDate.toISOString()}` };
  if (now >= validToDate.getTime()) return { refused: `the certificate expired ${validToDate.toISOString()}` };
  return { tenant, device, serial: plainSerial(certificate.serialNumber) };
}

/**
 * The value of the only `CN=` or `O=` in a subject. Node prints one part a line and escapes line breaks and everything
 * else special inside values, so a value cannot pretend to be another part; an escaped one then fits no id's pattern.
 */
export function onlyPart(subject: string, key: string): string | undefined {
  const found = subject.split('\n').filter((line) => line.startsWith(key));
  return found.length === 1 ? found[0]?.slice(key.length) : undefined;
}

/** A certificate as one of several CAs signed it: by key, not by name, since names can be had by anybody. */
export function signerOf<T extends { certificate: X509Certificate }>(
  leaf: X509Certificate,
  authorities: readonly T[],
): T | undefined {
  return authorities.find(({ certificate }) => leaf.checkIssued(certificate) && leaf.verify(certificate.publicKey));
}

/** Serial by which a certificate of a factory CA goes here: the head of its SHA-256. Two CAs may give out one number. */
export const factorySerial = (leaf: X509Certificate): string =>
  leaf.fingerprint256.replaceAll(':', '').toLowerCase().slice(0, 40);

/** What of a factory CA decides whose device a certificate stands for. */
export type FactoryRule = { tenant: string; id: string; devicePrefix: string };

/**
 * The device of a certificate that this factory CA signed (`signerOf`). The tenant is the CA's, whatever the certificate
 * says; the id is its common name.
 * @returns the identity, or why there is none.
 */
export function identifyFactory(
  leaf: X509Certificate,
  authority: FactoryRule & { certificate: X509Certificate },
  now: number,
): (Identity & { factory: string }) | { refused: string } {
  if (leaf.ca) return { refused: 'the certificate is one of an authority, not of a device' };
  // Makers often leave it out; a certificate that says what it is for must be for this.
  if (leaf.keyUsage !== undefined && !(leaf.keyUsage as unknown as readonly string[]).includes(clientAuth))
    return { refused: 'the certificate is not for client authentication (extended key usage)' };
  const device = onlyPart(leaf.subject, 'CN=');
  if (device === undefined || !deviceIdPattern.test(device))
    return { refused: 'the certificate subject must have one CN, a device id' };
  if (!device.startsWith(authority.devicePrefix))
    return {
      refused: `the factory CA is for devices whose id begins with '${authority.devicePrefix}', not '${device}'`,
    };
  for (const [what, { validFromDate, validToDate }] of [
    ['certificate', leaf],
    ['factory CA', authority.certificate],
  ] as const)
    if (now < validFromDate.getTime() || now >= validToDate.getTime())
      return {
        refused: `the ${what} is valid from ${validFromDate.toISOString()} to ${validToDate.toISOString()} only`,
      };
  return { tenant: authority.tenant, device, serial: factorySerial(leaf), factory: authority.id };
}
