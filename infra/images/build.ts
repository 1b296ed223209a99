import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Base } from './base-lock.ts';
import { type Bundle, bundle } from './bundle.ts';
import { contentsOf, envOf } from './contents.ts';
import { assemble, type BuiltImage } from './image.ts';
import type { ImageName } from './names.ts';
import { type Blob, blobOf, mediaTypes } from './oci.ts';
import { sbomOf } from './sbom.ts';
import { tarOf } from './tar.ts';

/** Everything of an image that does not need its base. */
export type BuiltLayer = { name: ImageName; layer: Blob; bundle: Bundle };
export type BuiltWithSbom = BuiltImage & { sbom: Blob };

/** @param root folder of the checkout, with node_modules as the lockfile has them. */
export async function buildLayers(root: string, names: readonly ImageName[]): Promise<readonly BuiltLayer[]> {
  const bundles = await bundle(root, names);
  return Promise.all(
    bundles.map(async (each) => ({
      name: each.name,
      bundle: each,
      layer: blobOf(mediaTypes.layer, tarOf(await contentsOf(root, each))),
    })),
  );
}

/** Bundles, layers and documents of each image, without network and without Docker. */
export async function buildImages(
  root: string,
  base: Base,
  names: readonly ImageName[],
): Promise<readonly BuiltWithSbom[]> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as Parameters<
    typeof sbomOf
  >[0]['lock'];
  const layers = await buildLayers(root, names);
  return layers.map(({ name, layer, bundle: { packages } }) => {
    const text = sbomOf({ name, base, layer: layer.descriptor.digest, packages, lock });
    const sbom = blobOf(mediaTypes.spdx, Buffer.from(text));
    const image = assemble(base, {
      name,
      layer,
      env: envOf(name),
      // Neither commit nor lockfile: what changes no byte of an image must not give it a new digest. The provenance has both.
      annotations: {
        'iot-platform.sbom': sbom.descriptor.digest,
        'iot-platform.packages': String(packages.length),
      },
    });
    return { ...image, sbom };
  });
}
