import type { X509Certificate } from 'node:crypto';
import { deviceIdPattern, tenantIdPattern } from '../contracts/identifiers.ts';
import { plainSerial } from './revocations.ts';

/** Who a connection is, from its client certificate alone. */
export type Identity = { tenant: string; device: string; serial: string | undefined };

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
function onlyPart(subject: string, key: string): string | undefined {
  const found = subject.split('\n').filter((line) => line.startsWith(key));
  return found.length === 1 ? found[0]?.slice(key.length) : undefined;
}

const iotCorePattern = /^projects\/[^/]{1,64}\/locations\/[^/]{1,64}\/registries\/[^/]{1,255}\/devices\/([^/]{1,255})$/;

/** The device that an MQTT client id names: the id itself, or the last part of Cloud IoT Core's long form. */
export function deviceOfClientId(clientId: string): string {
  if (clientId.length > 1_024) return '';
  return iotCorePattern.exec(clientId)?.[1] ?? clientId;
}
