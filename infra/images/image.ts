import type { Base, BasePlatform } from './base-lock.ts';
import type { ImageName } from './names.ts';
import { type Blob, type ImageConfig, type Index, jsonBlob, type Manifest, mediaTypes, ociLayerType } from './oci.ts';
import { referenceText } from './reference.ts';

/** What differs between images beside their files. */
export type ImageContent = {
  name: ImageName;
  layer: Blob;
  /** Of the image's configuration, added to the base's. */
  env: Readonly<Record<string, string>>;
  /** On index and manifests. Nothing here may differ between two builds of one tree. */
  annotations: Readonly<Record<string, string>>;
};

export type BuiltImage = {
  name: ImageName;
  base: Base;
  /** Digest of the index: what a pod names. */
  digest: string;
  layer: Blob;
  configs: readonly Blob[];
  manifests: readonly Blob[];
  index: Blob;
};

/** Nobody of distroless. https://github.com/GoogleContainerTools/distroless/blob/main/common/variables.bzl */
const user = '65532';
const epoch = '1970-01-01T00:00:00Z';

/**
 * An image: the base's layers and ours, once for each architecture, under one index. Our layer has no machine code, so
 * that both share it. It is not compressed: what a compressor writes depends on its version and on the processor (zlib
 * in Node has other code paths on arm64 than on x64), and the digest has to be the same on a laptop and in CI. Pure.
 */
export function assemble(base: Base, content: ImageContent): BuiltImage {
  const platforms = base.platforms.map((platform) => {
    const config = jsonBlob(mediaTypes.config, configOf(platform, content));
    return { platform, config, manifest: jsonBlob(mediaTypes.manifest, manifestOf(base, platform, config, content)) };
  });
  const index: Index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: platforms.map(({ platform, manifest }) => ({
      ...manifest.descriptor,
      platform: { architecture: platform.architecture, os: 'linux' },
    })),
    annotations: annotationsOf(base, content),
  };
  const blob = jsonBlob(mediaTypes.index, index);
  return {
    name: content.name,
    base,
    digest: blob.descriptor.digest,
    layer: content.layer,
    configs: platforms.map(({ config }) => config),
    manifests: platforms.map(({ manifest }) => manifest),
    index: blob,
  };
}

function configOf({ architecture, config }: BasePlatform, { name, layer, env }: ImageContent): ImageConfig {
  const { Cmd: _, ...inherited } = config.config ?? {};
  const added = { NODE_ENV: 'production', ...env };
  const kept = (inherited.Env ?? []).filter((line) => !Object.hasOwn(added, line.split('=')[0] ?? ''));
  return {
    created: epoch,
    architecture,
    os: 'linux',
    ...(config.variant === undefined ? {} : { variant: config.variant }),
    config: {
      ...inherited,
      User: user,
      WorkingDir: '/app',
      // Source maps are in the layer: a stack trace names files and lines as in the repository.
      Entrypoint: ['/nodejs/bin/node', '--enable-source-maps', `/app/${name}.mjs`],
      Env: [...kept, ...Object.entries(added).map(([key, value]) => `${key}=${value}`)],
      Labels: { 'org.opencontainers.image.title': name },
    },
    rootfs: { type: 'layers', diff_ids: [...config.rootfs.diff_ids, layer.descriptor.digest] },
    history: [...(config.history ?? []), { created: epoch, created_by: `iot image build ${name}` }],
  };
}

const manifestOf = (base: Base, { layers }: BasePlatform, config: Blob, content: ImageContent): Manifest => ({
  schemaVersion: 2,
  mediaType: mediaTypes.manifest,
  config: config.descriptor,
  layers: [
    ...layers.map(({ mediaType, digest, size }) => ({ mediaType: ociLayerType(mediaType), digest, size })),
    content.layer.descriptor,
  ],
  annotations: annotationsOf(base, content),
});

const annotationsOf = ({ reference }: Base, { name, annotations }: ImageContent): Record<string, string> => ({
  'org.opencontainers.image.title': name,
  'org.opencontainers.image.base.name': `${reference.host}/${reference.path}`,
  'org.opencontainers.image.base.digest': reference.digest,
  ...annotations,
});

/** For messages: the base as the lock names it. */
export const baseText = ({ reference }: Base): string => referenceText(reference);
