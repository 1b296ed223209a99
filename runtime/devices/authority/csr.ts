import { x509 } from './x509.ts';

/** A certificate request that may not be signed; `message` says what is allowed. */
export class CsrRefused extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CsrRefused';
  }
}

const mostCharacters = 8_192;
const block =
  /^-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END (?:NEW )?CERTIFICATE REQUEST-----\s*$/;
/** SubjectPublicKeyInfo of every uncompressed P-256 key begins with these bytes (RFC 5480 section 2.1.1). */
const p256Prefix = '3059301306072a8648ce3d020106082a8648ce3d03010703420004';
const signatureHashes = new Set(['SHA-256', 'SHA-384', 'SHA-512']);

/**
 * The public key of a PKCS #10 request in PEM, once the request has proved that its sender holds the private key.
 * Nothing else of the request is read: we choose subject, names and usages.
 * @returns SubjectPublicKeyInfo, DER.
 * @throws CsrRefused
 */
export async function publicKeyOfCsr(pem: string): Promise<Uint8Array<ArrayBuffer>> {
  const { request, key, hash } = parse(pem);
  if (key.length !== 91 || !Buffer.from(key).toString('hex').startsWith(p256Prefix))
    throw new CsrRefused('the key must be an uncompressed P-256 (prime256v1) key with its curve by name');
  if (!signatureHashes.has(hash))
    throw new CsrRefused('the request must be signed with ECDSA and SHA-256, SHA-384 or SHA-512');
  if (!(await provesPossession(request)))
    throw new CsrRefused("the request's signature does not fit its key: sign it with the device's own private key");
  return key;
}

type Parsed = { request: x509.Pkcs10CertificateRequest; key: Uint8Array<ArrayBuffer>; hash: string };

function parse(pem: string): Parsed {
  if (pem.length > mostCharacters)
    throw new CsrRefused(`the request has ${pem.length} characters, allowed are ${mostCharacters}`);
  const body = block.exec(pem.trim())?.[1];
  if (body === undefined) throw new CsrRefused('allowed is exactly one PEM block CERTIFICATE REQUEST');
  try {
    const request = new x509.Pkcs10CertificateRequest(Buffer.from(body, 'base64'));
    // The library reads these parts at first use, so that they too fail here and nowhere else.
    const key = new Uint8Array(request.publicKey.rawData);
    return { request, key, hash: request.signatureAlgorithm.hash?.name ?? '' };
  } catch (error) {
    throw new CsrRefused('the PEM block holds no PKCS #10 request', error);
  }
}

async function provesPossession(request: x509.Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify();
  } catch (error) {
    // A point off the curve, a signature that is none: the request can not be checked, so it proves nothing.
    throw new CsrRefused('the key or the signature of the request is malformed', error);
  }
}
