import { createPublicKey } from 'node:crypto';
import { type KeyKind, keyKinds } from '../../contracts/device-type.ts';
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
const signatureHashes = new Set(['SHA-256', 'SHA-384', 'SHA-512']);

/** How the SubjectPublicKeyInfo of an uncompressed elliptic key begins (RFC 5480 section 2.1.1), and its whole length. */
const curves: readonly { kind: KeyKind; prefix: string; length: number }[] = [
  { kind: 'P-256', prefix: '3059301306072a8648ce3d020106082a8648ce3d03010703420004', length: 91 },
  { kind: 'P-384', prefix: '3076301006072a8648ce3d020106052b8104002203620004', length: 120 },
];

/** What is read of a request: the key that it proves, and the names that it asks for. */
export type CheckedRequest = {
  /** SubjectPublicKeyInfo, DER. */
  publicKey: Uint8Array<ArrayBuffer>;
  kind: KeyKind;
  /** Values of the subject by name of the attribute (`CN`, `O`), empty for an empty subject. */
  subject: Readonly<Record<string, readonly string[]>>;
};

/**
 * A PKCS #10 request in PEM, once it has proved that its sender holds the private key.
 * @throws CsrRefused
 */
export async function checkRequest(pem: string): Promise<CheckedRequest> {
  const { request, key, hash, subject } = parse(pem);
  const kind = kindOf(key);
  if (kind === undefined)
    throw new CsrRefused(
      'the key must be an uncompressed P-256 (prime256v1) key with its curve by name, or of another kind that the device type allows',
    );
  if (!signatureHashes.has(hash)) throw new CsrRefused('the request must be signed with SHA-256, SHA-384 or SHA-512');
  if (!(await provesPossession(request)))
    throw new CsrRefused("the request's signature does not fit its key: sign it with the device's own private key");
  return { publicKey: key, kind, subject };
}

/** The key of a request that may be of one of these kinds. @throws CsrRefused */
export async function publicKeyOfCsr(
  pem: string,
  allowed: readonly KeyKind[] = ['P-256'],
): Promise<Uint8Array<ArrayBuffer>> {
  const { publicKey, kind } = await checkRequest(pem);
  allowKind(kind, allowed);
  return publicKey;
}

/** @throws CsrRefused */
export function allowKind(kind: KeyKind, allowed: readonly KeyKind[]): void {
  if (!allowed.includes(kind))
    throw new CsrRefused(`the key is ${kind}; allowed for this device type: ${allowed.join(', ')}`);
}

/**
 * A request asks for no name, or for the device's own: what it asks for else it would not get, and its sender should
 * know. @throws CsrRefused
 */
export function allowSubject(subject: CheckedRequest['subject'], tenant: string, device: string): void {
  const { CN = [], O = [], ...others } = subject;
  if (Object.keys(others).length > 0 || CN.length > 1 || O.length > 1)
    throw new CsrRefused(`the subject may have one CN, the device id '${device}', and one O; it has more`);
  if (CN[0] !== undefined && CN[0] !== device)
    throw new CsrRefused(`the subject's CN must be the device id '${device}' or left out`);
  if (O[0] !== undefined && O[0] !== tenant)
    throw new CsrRefused(`the subject's O must be the tenant '${tenant}' or left out`);
}

function kindOf(spki: Uint8Array): KeyKind | undefined {
  const hex = Buffer.from(spki).toString('hex');
  const curve = curves.find(({ prefix, length }) => spki.length === length && hex.startsWith(prefix));
  if (curve !== undefined) return curve.kind;
  const details = rsaDetails(spki);
  if (details?.publicExponent !== 65_537n) return undefined;
  return keyKinds.find((kind) => kind === `RSA-${details.modulusLength}`);
}

function rsaDetails(spki: Uint8Array) {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'rsa' ? key.asymmetricKeyDetails : undefined;
  } catch (error) {
    throw new CsrRefused('the key of the request is malformed', error);
  }
}

type Parsed = {
  request: x509.Pkcs10CertificateRequest;
  key: Uint8Array<ArrayBuffer>;
  hash: string;
  subject: CheckedRequest['subject'];
};

function parse(pem: string): Parsed {
  if (pem.length > mostCharacters)
    throw new CsrRefused(`the request has ${pem.length} characters, allowed are ${mostCharacters}`);
  const body = block.exec(pem.trim())?.[1];
  if (body === undefined) throw new CsrRefused('allowed is exactly one PEM block CERTIFICATE REQUEST');
  try {
    const request = new x509.Pkcs10CertificateRequest(Buffer.from(body, 'base64'));
    // The library reads these parts at first use, so that they too fail here and nowhere else.
    const key = new Uint8Array(request.publicKey.rawData);
    const hash = request.signatureAlgorithm.hash?.name ?? '';
    return { request, key, hash, subject: subjectOf(request) };
  } catch (error) {
    throw new CsrRefused('the PEM block holds no PKCS #10 request', error);
  }
}

function subjectOf({ subjectName }: x509.Pkcs10CertificateRequest): CheckedRequest['subject'] {
  const found: Record<string, string[]> = {};
  for (const part of subjectName.toJSON())
    for (const [name, values] of Object.entries(part)) found[name] = [...(found[name] ?? []), ...values];
  return found;
}

async function provesPossession(request: x509.Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify();
  } catch (error) {
    // A point off the curve, a signature that is none: the request can not be checked, so it proves nothing.
    throw new CsrRefused('the key or the signature of the request is malformed', error);
  }
}
