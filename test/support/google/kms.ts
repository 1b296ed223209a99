import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32c } from '../../../runtime/platform/google/crc32c.ts';
import { type Api, refusal } from './server.ts';

/** Cloud KMS: P-256 signing keys, made at first use of their name. */
export function kmsApi(algorithm = 'EC_SIGN_P256_SHA256') {
  const keys = new Map<string, { publicKey: KeyObject; privateKey: KeyObject }>();
  const keyOf = (name: string) => {
    const key = keys.get(name) ?? generateKeyPairSync('ec', { namedCurve: 'P-256' });
    keys.set(name, key);
    return key;
  };
  const api: Api = ({ method, path, body }) => {
    const [, name, action] =
      /^\/v1\/(projects\/[^:]+\/cryptoKeyVersions\/\d+)(\/publicKey|:asymmetricSign)$/.exec(path) ?? [];
    if (name === undefined) return undefined;
    const { publicKey, privateKey } = keyOf(name);
    if (action === '/publicKey' && method === 'GET') {
      const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
      return { body: { pem, algorithm, pemCrc32c: crc32c(Buffer.from(pem)), name, protectionLevel: 'HSM' } };
    }
    const asked = body as { digest: { sha256: string }; digestCrc32c?: string };
    const digest = Buffer.from(asked.digest.sha256, 'base64');
    if (digest.length !== 32) return refusal(400, 'INVALID_ARGUMENT', `digest of ${digest.length} bytes`);
    if (asked.digestCrc32c !== crc32c(digest)) return refusal(400, 'INVALID_ARGUMENT', 'checksum mismatch');
    const signature = signDigest(digest, privateKey);
    return {
      body: {
        signature: signature.toString('base64'),
        signatureCrc32c: crc32c(signature),
        verifiedDigestCrc32c: true,
        name,
        protectionLevel: 'HSM',
      },
    };
  };
  return { api, publicKeyOf: (name: string) => keyOf(name).publicKey };
}

/** KMS gets the digest, not the message; Node signs messages only, openssl signs digests. @returns DER */
function signDigest(digest: Buffer, key: KeyObject): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'iot-test-kms-'));
  try {
    const file = join(dir, 'key.pem');
    writeFileSync(file, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    return execFileSync('openssl', ['pkeyutl', '-sign', '-inkey', file], { input: digest });
  } finally {
    rmSync(dir, { recursive: true });
  }
}
