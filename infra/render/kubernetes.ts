import { stringify } from 'yaml';
import type { Registration } from '../recording/record.ts';
import type { RenderedFile } from './resources.ts';
import { opened, unknownPaths } from './values.ts';

type Manifest = { apiVersion?: unknown; kind?: unknown; metadata?: { name?: unknown; namespace?: unknown } };

/**
 * Every Kubernetes object as YAML, one file each: `kubernetes/<namespace>/<kind>-<name>.yaml`. What only an `up` can know
 * (an address, an image's digest that nobody resolved) has a made-up value of the right shape, so that schemas and scanners
 * can judge the rest; a comment names those paths.
 * @param up the up-mode recording's registrations @param preview those of the preview, where unknowns show
 */
export function kubernetesFiles(up: readonly Registration[], preview: readonly Registration[]): RenderedFile[] {
  const unknown = new Map(preview.map((each) => [each.urn, unknownPaths(each.inputs)]));
  return objectsOf(up)
    .map(({ urn, manifest }) => {
      const { kind, metadata } = manifest;
      const paths = unknown.get(urn) ?? [];
      const comment = paths.map((path) => `# Known after up, made up here: ${path}\n`).join('');
      const folder = typeof metadata?.namespace === 'string' ? metadata.namespace : 'cluster';
      return {
        path: `kubernetes/${folder}/${String(kind).toLowerCase()}-${String(metadata?.name)}.yaml`,
        // Kubernetes' own tools read YAML 1.1, where a bare `off` is false.
        text: `${comment}${stringify(manifest, { lineWidth: 0, version: '1.1' })}`,
      };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Kubernetes objects of a recording as the API server would get them; the engine's own annotations are not in them. */
export function objectsOf(registrations: readonly Registration[]): { urn: string; manifest: Manifest }[] {
  return registrations
    .filter(({ type }) => type.startsWith('kubernetes:'))
    .map(({ urn, inputs }) => {
      const { apiVersion, kind, metadata, ...rest } = opened(inputs) as Record<string, unknown>;
      const shown = metadata as { annotations?: Record<string, unknown> } | undefined;
      const annotations = Object.entries(shown?.annotations ?? {}).filter(([key]) => !key.startsWith('pulumi.com/'));
      const { annotations: _, ...named } = (metadata ?? {}) as { annotations?: unknown; name?: unknown };
      return {
        urn,
        manifest: {
          apiVersion,
          kind,
          metadata: { ...named, ...(annotations.length > 0 ? { annotations: Object.fromEntries(annotations) } : {}) },
          ...rest,
        },
      };
    });
}
