import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { JwtAlgorithm } from '../../contracts/identity.ts';

/** Why a PEM text is no key for a device's JWTs; `message` says what is allowed. */
export class KeyRefused extends Error {}

export type JwtKey = {
  /** Head of the SHA-256 of the key's SubjectPublicKeyInfo. */
  id: string;
  algorithm: JwtAlgorithm;
  /** SubjectPublicKeyInfo, DER. */
  spki: Buffer;
  /** End of the certificate that it came in. */
  expiresAt: Date | undefined;
};

/** Cloud IoT Core's four forms: a public key or a certificate, of P-256 or RSA. @throws KeyRefused */
export function parseJwtKey(pem: string): JwtKey {
  const labels = [...pem.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g)].map((match) => match[1]);
  const [label] = labels;
  if (labels.length !== 1 || (label !== 'PUBLIC KEY' && label !== 'CERTIFICATE'))
    throw new KeyRefused(
      `allowed is exactly one PEM block, PUBLIC KEY or CERTIFICATE; ${label === undefined ? 'there is none' : `there is ${labels.join(', ')}`}`,
    );
  const { key, expiresAt } = read(pem, label);
  const spki = key.export({ type: 'spki', format: 'der' });
  return {
    id: createHash('sha256').update(spki).digest('hex').slice(0, 16),
    algorithm: algorithmOf(key),
    spki,
    expiresAt,
  };
}

function read(pem: string, label: 'PUBLIC KEY' | 'CERTIFICATE'): { key: KeyObject; expiresAt: Date | undefined } {
  try {
    if (label === 'PUBLIC KEY') return { key: createPublicKey(pem), expiresAt: undefined };
    const { publicKey, validToDate } = new X509Certificate(pem);
    return { key: publicKey, expiresAt: validToDate };
  } catch (error) {
    throw new KeyRefused(`the block ${label} cannot be read`, { cause: error });
  }
}

function algorithmOf({ asymmetricKeyType: type, asymmetricKeyDetails: details = {} }: KeyObject): JwtAlgorithm {
  if (type === 'ec' && details.namedCurve === 'prime256v1') return 'ES256';
  const bits = details.modulusLength ?? 0;
  if (type === 'rsa' && bits >= 2_048 && bits <= 4_096) return 'RS256';
  throw new KeyRefused('the key must be P-256 (ES256), or RSA of 2048 to 4096 bits (RS256)');
}
