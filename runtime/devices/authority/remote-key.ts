import { webcrypto } from 'node:crypto';
import type { SigningKey } from '../../platform/google/signing-key.ts';

/** A key of Web Crypto's form whose private half is elsewhere, and the Web Crypto that signs with it there. */
export type RemoteKeys = { publicKey: CryptoKey; privateKey: CryptoKey; crypto: Crypto };

/**
 * Lets a library that signs by Web Crypto sign by a key in KMS. Everything but `sign` with this very key is the machine's
 * own Web Crypto.
 */
export async function remoteKeys(key: SigningKey): Promise<RemoteKeys> {
  const spki = key.publicKey.export({ type: 'spki', format: 'der' });
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;
  const publicKey = await webcrypto.subtle.importKey('spki', new Uint8Array(spki), algorithm, true, ['verify']);
  // Names the key to `sign` below; there is nothing in it to sign with.
  const privateKey: CryptoKey = Object.freeze({
    type: 'private',
    extractable: false,
    algorithm,
    usages: ['sign'],
  }) as CryptoKey;
  const own = webcrypto.subtle;
  const sign = async (how: AlgorithmIdentifier, which: CryptoKey, data: BufferSource): Promise<ArrayBuffer> => {
    if (which !== privateKey) return await own.sign(how, which, data);
    return rawSignature(await key.sign(bytesOf(data)));
  };
  const subtle = new Proxy(own, {
    get(target, name) {
      const found: unknown = name === 'sign' ? sign : Reflect.get(target, name, target);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
  const crypto = {
    subtle,
    getRandomValues: webcrypto.getRandomValues.bind(webcrypto),
    randomUUID: webcrypto.randomUUID.bind(webcrypto),
  } as unknown as Crypto;
  return { publicKey: publicKey as CryptoKey, privateKey, crypto };
}

const bytesOf = (data: BufferSource): Uint8Array =>
  ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);

const half = 32;

/**
 * A P-256 signature in DER (two integers in a sequence, RFC 3279 section 2.2.3) as Web Crypto has it: two numbers of 32
 * bytes, one after the other. @throws Error for what is no such signature
 */
export function rawSignature(der: Uint8Array): ArrayBuffer {
  const malformed = () => new Error(`a P-256 signature of ${der.length} bytes is not in DER form`);
  if (der[0] !== 0x30 || der[1] !== der.length - 2) throw malformed();
  const raw = new Uint8Array(2 * half);
  let at = 2;
  for (const end of [half, 2 * half]) {
    const length = der[at + 1];
    const number = der.subarray(at + 2, at + 2 + (length ?? 0));
    if (der[at] !== 0x02 || length === undefined || length === 0 || number.length !== length) throw malformed();
    const digits = number[0] === 0 ? number.subarray(1) : number;
    if (digits.length > half) throw malformed();
    raw.set(digits, end - digits.length);
    at += 2 + length;
  }
  if (at !== der.length) throw malformed();
  return raw.buffer;
}
