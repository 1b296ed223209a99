import type { BaseLock } from '../../../infra/images/base-lock.ts';
import { digestOf, type ImageConfig, type Manifest, mediaTypes } from '../../../infra/images/oci.ts';

/** Documents of a base that no registry has: an index over two architectures that share a layer. */
export function madeUpBase(
  options: { host?: string; path?: string; layers?: { digest: string; size: number; diffId: string }[] } = {},
): BaseLock {
  const { host = 'registry.example', path = 'base/node' } = options;
  const layers = options.layers ?? [{ digest: digestOf('layer'), size: 5, diffId: digestOf('unpacked') }];
  const documents: Record<string, string> = {};
  const keep = (value: unknown) => {
    const text = JSON.stringify(value, null, 3);
    documents[digestOf(text)] = text;
    return { digest: digestOf(text), size: Buffer.byteLength(text) };
  };
  const manifests = (['amd64', 'arm64'] as const).map((architecture) => {
    const config: ImageConfig = {
      architecture,
      os: 'linux',
      config: {
        User: '0',
        Entrypoint: ['/nodejs/bin/node'],
        Cmd: ['repl'],
        Env: ['PATH=/usr/bin:/bin', 'NODE_ENV=development'],
      },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map(() => ({ created_by: 'made up' })),
    };
    const manifest: Manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: { mediaType: mediaTypes.config, ...keep(config) },
      layers: layers.map(({ digest, size }) => ({
        mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
        digest,
        size,
      })),
    };
    return { mediaType: mediaTypes.manifest, ...keep(manifest), platform: { architecture, os: 'linux' } };
  });
  const top = keep({ schemaVersion: 2, mediaType: mediaTypes.index, manifests });
  return { reference: `${host}/${path}@${top.digest}`, architectures: ['amd64', 'arm64'], documents };
}
