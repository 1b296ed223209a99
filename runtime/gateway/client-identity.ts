import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls';
import { deviceIdPattern, tenantIdPattern } from '../contracts/identifiers.ts';
import { plainSerial } from './revocations.ts';

/** Who a connection is, from its client certificate alone. */
export type Identity = { tenant: string; device: string; serial: string | undefined };

const clientAuth = '1.3.6.1.5.5.7.3.2';

/**
 * Reads the identity out of a certificate whose chain OpenSSL has verified in this handshake or, for a resumed session,
 * in the one before; a resumed session's validity is therefore checked here again.
 * @returns the identity, or why there is none.
 */
export function identify(
  certificate: PeerCertificate | DetailedPeerCertificate | undefined,
  now: number,
): Identity | { refused: string } {
  const subject = certificate?.subject as { CN?: string | string[]; O?: string | string[] } | undefined;
  if (certificate === undefined || subject === undefined) return { refused: 'no client certificate' };
  const { CN: device, O: tenant } = subject;
  if (typeof device !== 'string' || !deviceIdPattern.test(device))
    return { refused: 'the certificate subject must have one CN, a device id' };
  if (typeof tenant !== 'string' || !tenantIdPattern.test(tenant))
    return { refused: 'the certificate subject must have one O, a tenant id' };
  if (certificate.ca) return { refused: 'the certificate is one of an authority, not of a device' };
  if (!(certificate.ext_key_usage ?? []).includes(clientAuth))
    return { refused: 'the certificate is not for client authentication (extended key usage)' };
  if (now < Date.parse(certificate.valid_from))
    return { refused: `the certificate is valid from ${certificate.valid_from}` };
  if (now >= Date.parse(certificate.valid_to)) return { refused: `the certificate expired ${certificate.valid_to}` };
  return { tenant, device, serial: plainSerial(certificate.serialNumber) };
}

const iotCorePattern = /^projects\/[^/]{1,64}\/locations\/[^/]{1,64}\/registries\/[^/]{1,255}\/devices\/([^/]{1,255})$/;

/** The device that an MQTT client id names: the id itself, or the last part of Cloud IoT Core's long form. */
export function deviceOfClientId(clientId: string): string {
  if (clientId.length > 1_024) return '';
  return iotCorePattern.exec(clientId)?.[1] ?? clientId;
}
