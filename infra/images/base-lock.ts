import { z } from 'zod';
import { type Descriptor, digestOf, type ImageConfig, type Index, type Manifest } from './oci.ts';
import { parseReference, type Reference } from './reference.ts';

/**
 * What is known of the base image without its registry. Documents are kept byte for byte under their digest, so that
 * whoever reads one can prove it is what the reference names.
 */
export const BaseLock = z.strictObject({
  reference: z.string(),
  /** Built for each; the base has to have them. */
  architectures: z.array(z.enum(['amd64', 'arm64'])).min(1),
  /** Index, manifests and configs by digest; empty until the lock was refreshed where the registry can be reached. */
  documents: z.record(z.string().regex(/^sha256:[0-9a-f]{64}$/), z.string()),
});
export type BaseLock = z.output<typeof BaseLock>;
export type Architecture = BaseLock['architectures'][number];

export type BasePlatform = { architecture: Architecture; layers: readonly Descriptor[]; config: ImageConfig };
export type Base = { reference: Reference; platforms: readonly BasePlatform[] };

const where = 'infra/images/base.lock.json';
const again = 'Restore it from git, or fetch it anew with `npx iot image lock`';

/** @throws Error saying what is wrong with the file. */
export function parseBaseLock(text: string): BaseLock {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`${where} is not JSON: ${(error as Error).message}. ${again}`);
  }
  const parsed = BaseLock.safeParse(json);
  if (!parsed.success)
    throw new Error(
      `${where}: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ')}. ${again}`,
    );
  return parsed.data;
}

/**
 * The base from its lock, every document verified by its digest. Pure.
 * @returns null when the lock has no manifest yet.
 * @throws Error naming the document whose bytes are not those that its digest names, or that is missing.
 */
export function baseOf(lock: BaseLock): Base | null {
  const reference = parseReference(lock.reference);
  if (Object.keys(lock.documents).length === 0) return null;
  for (const [digest, text] of Object.entries(lock.documents))
    if (digestOf(text) !== digest)
      throw new Error(
        `${where}: document ${digest} has the digest ${digestOf(text)}: its bytes were changed. ${again}`,
      );
  const platforms = lock.architectures.map((architecture): BasePlatform => {
    const manifest = read<Manifest>(lock, manifestDigest(lock, reference.digest, architecture));
    const config = read<ImageConfig>(lock, manifest.config.digest);
    if (config.architecture !== architecture || config.os !== 'linux')
      throw new Error(
        `${where}: the base of ${architecture} is for ${config.os}/${config.architecture}; take ${architecture} out of architectures, or another base`,
      );
    if (config.rootfs.diff_ids.length !== manifest.layers.length)
      throw new Error(
        `${where}: the base of ${architecture} has ${manifest.layers.length} layers and ${config.rootfs.diff_ids.length} diff ids. ${again}`,
      );
    return { architecture, layers: manifest.layers, config };
  });
  return { reference, platforms };
}

/** Digests that the lock has to hold, in the order in which they become known: the registry's client follows them. */
export function manifestDigest(lock: BaseLock, digest: string, architecture: Architecture): string {
  const top = read<Manifest | Index>(lock, digest);
  if (!('manifests' in top)) return digest;
  const found = top.manifests.find(
    ({ platform }) => platform?.os === 'linux' && platform.architecture === architecture,
  );
  if (found === undefined)
    throw new Error(`${where}: base ${lock.reference} has no linux/${architecture}; take it out of architectures`);
  return found.digest;
}

function read<T>(lock: BaseLock, digest: string): T {
  const text = lock.documents[digest];
  if (text === undefined) throw new Error(`${where}: document ${digest} is missing. ${again}`);
  return JSON.parse(text) as T;
}
