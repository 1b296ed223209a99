import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

/** Bodies of EST: base64 of DER (RFC 7030 section 4, as RFC 8951 clarifies it). */

const lines = (der: ArrayBuffer | Uint8Array): string =>
  `${(
    Buffer.from(der as Uint8Array)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  ).join('\n')}\n`;

/** Certificates in PEM as certs-only CMS, base64: what `openssl pkcs7 -inform DER -print_certs` reads once decoded. */
export function certsOnly(pems: readonly string[]): string {
  const certificates = pems.map((pem) => new x509.X509Certificate(pem));
  return lines(new x509.X509Certificates(certificates).export('raw') as ArrayBuffer);
}

const mostCharacters = 8_192;

/**
 * The request of a body as PEM. Line ends and spaces do not matter (RFC 8951 section 3.1), nor whether somebody sent PEM.
 * @returns undefined for what is no base64.
 */
export function requestPem(body: string): string | undefined {
  if (body.length > mostCharacters) return undefined;
  const text = body.replaceAll(/-----(?:BEGIN|END) (?:NEW )?CERTIFICATE REQUEST-----/g, '').replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]{100,}={0,2}$/.test(text)) return undefined;
  const wrapped = (text.match(/.{1,64}/g) ?? []).join('\n');
  return `-----BEGIN CERTIFICATE REQUEST-----\n${wrapped}\n-----END CERTIFICATE REQUEST-----\n`;
}

/**
 * What a request should look like (RFC 7030 section 4.5.2): an ecPublicKey on prime256v1, signed with ecdsa-with-SHA256.
 * A device type may allow other keys; who has no claim code yet is not told which.
 */
export const csrAttributes = lines(
  Buffer.from('3021301506072a8648ce3d0201310a06082a8648ce3d03010706082a8648ce3d040302', 'hex'),
);

/** Blocks of a text of several certificates. */
export function blocks(pems: string): string[] {
  return (pems.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((block) => `${block}\n`);
}

/** Password of `Authorization: Basic` (RFC 7617); the user name is not looked at. */
export function basicPassword(authorization: string | undefined): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]{1,400}={0,2}) *$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString();
  const at = text.indexOf(':');
  return at < 0 ? undefined : text.slice(at + 1);
}
