import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { kubernetesFiles, objectsOf } from '../../../infra/render/kubernetes.ts';
import { allRecordings } from '../support/recordings.ts';

export type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
};

/** Every Kubernetes object of every tier, as `iot render` would write it. */
export async function manifests(): Promise<readonly { tier: string; manifest: Manifest }[]> {
  const all = await allRecordings();
  return all
    .filter(({ recording }) => recording.mode === 'up')
    .flatMap(({ tier, recording }) =>
      objectsOf(recording.registrations).map(({ manifest }) => ({ tier, manifest: manifest as Manifest })),
    );
}

/** Writes the YAML of all tiers into a folder, a folder a tier. @returns paths of the files. */
export async function writeManifests(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const { tier, recording } of await allRecordings()) {
    if (recording.mode !== 'up') continue;
    for (const { path, text } of kubernetesFiles(recording.registrations, [])) {
      const file = join(folder, tier, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      paths.push(file);
    }
  }
  return paths;
}

/** `group/version/kind`, lower case; the group of the core is empty. */
export function kindOf({ apiVersion, kind }: Pick<Manifest, 'apiVersion' | 'kind'>): string {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return `${group}/${version}/${kind}`.toLowerCase();
}
