import { createHash } from 'node:crypto';

/**
 * Documents of an OCI image. https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md
 */
export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  empty: 'application/vnd.oci.empty.v1+json',
  spdx: 'application/spdx+json',
  inToto: 'application/vnd.in-toto+json',
} as const;

export type Descriptor = {
  mediaType: string;
  digest: string;
  size: number;
  platform?: { architecture: string; os: string; variant?: string };
  annotations?: Record<string, string>;
  artifactType?: string;
  data?: string;
};
export type Manifest = {
  schemaVersion: 2;
  mediaType: string;
  artifactType?: string;
  config: Descriptor;
  layers: Descriptor[];
  subject?: Descriptor;
  annotations?: Record<string, string>;
};
export type Index = {
  schemaVersion: 2;
  mediaType: string;
  manifests: Descriptor[];
  annotations?: Record<string, string>;
};
export type ImageConfig = {
  created?: string;
  architecture: string;
  os: string;
  variant?: string;
  config?: { User?: string; Env?: string[]; Entrypoint?: string[]; Cmd?: string[]; WorkingDir?: string } & Record<
    string,
    unknown
  >;
  rootfs: { type: 'layers'; diff_ids: string[] };
  history?: Record<string, unknown>[];
};

/** Bytes and what others call them by. */
export type Blob = { descriptor: Descriptor; bytes: Buffer };

export const digestOf = (bytes: string | Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export const blobOf = (mediaType: string, bytes: Buffer): Blob => ({
  descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length },
  bytes,
});

/** Keys in the order of the value: who builds it fixes the order, and so the digest. */
export const jsonBlob = (mediaType: string, value: unknown): Blob =>
  blobOf(mediaType, Buffer.from(JSON.stringify(value)));

/** Docker's name of a layer type as OCI's: bytes are the same, and a manifest names types of one family. */
export const ociLayerType = (mediaType: string): string =>
  ({
    'application/vnd.docker.image.rootfs.diff.tar.gzip': mediaTypes.layerGzip,
    'application/vnd.docker.image.rootfs.diff.tar': mediaTypes.layer,
  })[mediaType] ?? mediaType;
