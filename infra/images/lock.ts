import { type BaseLock, baseOf, manifestDigest } from './base-lock.ts';
import { type Manifest, mediaTypes } from './oci.ts';
import type { Registry } from './registry.ts';

/** Types that a base's documents may have; Docker's and OCI's differ in name only. */
const documents = [
  mediaTypes.index,
  mediaTypes.manifest,
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

/**
 * The lock with all documents of its base, from the base's registry, each verified by digest on the way.
 * @param lock names base and architectures; its documents are not used.
 * @throws Error when the base has not all architectures, or the registry does not answer.
 */
export async function refreshedLock(lock: BaseLock, registry: Registry): Promise<BaseLock> {
  const fetched: BaseLock = { ...lock, documents: {} };
  const top = lock.reference.slice(lock.reference.indexOf('@') + 1);
  fetched.documents[top] = text(await registry.manifest(top, documents));
  for (const architecture of lock.architectures) {
    const digest = manifestDigest(fetched, top, architecture);
    fetched.documents[digest] ??= text(await registry.manifest(digest, documents));
    const { config } = JSON.parse(fetched.documents[digest]) as Manifest;
    fetched.documents[config.digest] = text(await registry.blob(config.digest));
  }
  // What cannot be read back is not written.
  baseOf(fetched);
  return fetched;
}

const text = (bytes: Buffer): string => bytes.toString('utf8');

/** The file's text: documents in the order in which they were read. */
export const lockText = (lock: BaseLock): string => `${JSON.stringify(lock, null, 2)}\n`;
