import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { crc32c } from './crc32c.ts';
import type { Google } from './google.ts';

/** A P-256 key in Cloud KMS that signs SHA-256 digests; the private half never leaves KMS. */
export type SigningKey = {
  /** Full name of the key version. */
  name: string;
  publicKey: KeyObject;
  /** DER signature (RFC 3279 section 2.2.3) over the SHA-256 of `data`. @throws GoogleError; Error for altered bytes */
  sign(data: Uint8Array): Promise<Buffer>;
};

const PublicKeyAnswer = z.object({ pem: z.string(), algorithm: z.string(), pemCrc32c: z.string(), name: z.string() });
const SignAnswer = z.object({
  name: z.string(),
  signature: z.base64(),
  signatureCrc32c: z.string(),
  verifiedDigestCrc32c: z.literal(true),
});
const algorithm = 'EC_SIGN_P256_SHA256';

/**
 * Reads the public half once. All bytes are checked both ways, as Google advises:
 * https://cloud.google.com/kms/docs/data-integrity-guidelines
 * @throws GoogleError; Error when the key is of another kind or an answer was altered on its way.
 */
export async function openSigningKey(google: Google, name: string): Promise<SigningKey> {
  const answer = PublicKeyAnswer.parse(
    await google.call({ api: 'cloudkms', method: 'GET', path: `v1/${name}/publicKey`, repeatable: true }),
  );
  if (answer.name !== name) throw new Error(`KMS answered with key ${answer.name} instead of ${name}`);
  if (answer.algorithm !== algorithm)
    throw new Error(`${name} has algorithm ${answer.algorithm}, needed is ${algorithm}`);
  if (crc32c(Buffer.from(answer.pem)) !== answer.pemCrc32c)
    throw new Error(`${name}: the public key was altered on its way`);
  return {
    name,
    publicKey: createPublicKey(answer.pem),
    async sign(data) {
      const digest = createHash('sha256').update(data).digest();
      const json = await google.call({
        api: 'cloudkms',
        method: 'POST',
        path: `v1/${name}:asymmetricSign`,
        body: { digest: { sha256: digest.toString('base64') }, digestCrc32c: crc32c(digest) },
        repeatable: true,
      });
      const signed = SignAnswer.safeParse(json);
      if (!signed.success)
        throw new Error(`${name}: KMS did not confirm the digest's checksum; it may have signed other bytes`);
      if (signed.data.name !== name) throw new Error(`KMS signed with key ${signed.data.name} instead of ${name}`);
      const signature = Buffer.from(signed.data.signature, 'base64');
      if (crc32c(signature) !== signed.data.signatureCrc32c)
        throw new Error(`${name}: the signature was altered on its way`);
      return signature;
    },
  };
}
