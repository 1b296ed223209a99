import type { BuiltWithSbom } from './build.ts';
import { baseText } from './image.ts';
import { type Blob, blobOf, type Descriptor, type Index, jsonBlob, type Manifest, mediaTypes } from './oci.ts';
import { provenanceOf, type Source } from './provenance.ts';
import type { Registry } from './registry.ts';

export type Pushed = { digest: string; tag: string; sent: number; referrers: 'there' | 'sent' };

/** An image's own tag: a repository that forbids moving tags takes it, because the same digest always has the same tag. */
export const tagOf = (digest: string): string => `build-${digest.slice('sha256:'.length, 'sha256:'.length + 16)}`;

/** Where registries without a list of referrers look for one. https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#referrers-tag-schema */
export const referrersTag = (digest: string): string => digest.replace(':', '-');

/**
 * Brings an image into a registry: what is there already is not sent again, so that a push that was cut off is simply
 * run again. The index comes last: whoever can name the image finds all of it.
 * @param from repository of the base, read for layers that the target does not have.
 */
export async function push(image: BuiltWithSbom, to: Registry, from: Registry, source: Source): Promise<Pushed> {
  const tag = tagOf(image.digest);
  let sent = 0;
  if ((await to.manifestDigest(tag, mediaTypes.index)) !== image.digest) {
    sent += await pushBase(image, to, from);
    for (const blob of [image.layer, ...image.configs]) sent += (await to.putBlob(blob)) === 'sent' ? 1 : 0;
    for (const manifest of image.manifests) await to.putManifest(manifest.descriptor.digest, manifest);
    await to.putManifest(tag, image.index);
  }
  const referrers = await pushReferrers(image, to, source);
  return { digest: image.digest, tag, sent, referrers };
}

async function pushBase({ base }: BuiltWithSbom, to: Registry, from: Registry): Promise<number> {
  const layers = new Map(base.platforms.flatMap(({ layers: of }) => of.map((layer) => [layer.digest, layer] as const)));
  let sent = 0;
  for (const [digest, descriptor] of layers) {
    if (await to.hasBlob(digest)) continue;
    const bytes = await from.blob(digest);
    if ((await to.putBlob({ descriptor, bytes })) === 'sent') sent++;
  }
  return sent;
}

/**
 * SBOM and provenance, attached to the image. The first push's provenance stays: tags do not move, and the digest is the
 * same whoever builds it again.
 */
async function pushReferrers(image: BuiltWithSbom, to: Registry, source: Source): Promise<'there' | 'sent'> {
  const tag = referrersTag(image.digest);
  const listed = await to.referrers(image.digest);
  if ((listed ?? []).length >= 2 || (await to.manifestDigest(tag, mediaTypes.index)) !== null) return 'there';
  const statement = provenanceOf({ name: image.name, digest: image.digest, base: baseText(image.base), source });
  const empty = blobOf(mediaTypes.empty, Buffer.from('{}'));
  await to.putBlob(empty);
  const descriptors: Descriptor[] = [];
  let lists = true;
  for (const content of [image.sbom, blobOf(mediaTypes.inToto, Buffer.from(statement))]) {
    await to.putBlob(content);
    const manifest = artifact(image, content, empty);
    lists = (await to.putManifest(manifest.descriptor.digest, manifest)).lists && lists;
    descriptors.push({ ...manifest.descriptor, artifactType: content.descriptor.mediaType });
  }
  const list: Index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: descriptors };
  if (!lists) await to.putManifest(tag, jsonBlob(mediaTypes.index, list));
  return 'sent';
}

/** https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md#guidelines-for-artifact-usage */
function artifact(image: BuiltWithSbom, content: Blob, empty: Blob): Blob {
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: content.descriptor.mediaType,
    config: empty.descriptor,
    layers: [content.descriptor],
    subject: image.index.descriptor,
  };
  return jsonBlob(mediaTypes.manifest, manifest);
}
