import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Definition, Sources } from './sources.ts';

type Schema = Record<string, unknown>;

/** Where kubeconform finds the schema of an object, by its own template. */
export const locationTemplate = '{{ .Group }}_{{ .ResourceAPIVersion }}_{{ .ResourceKind }}.json';

/**
 * Writes a strict JSON schema for each wanted kind that has one into the folder.
 * @param wanted `group/version/kind`, lower case @returns those that have one
 */
export function writeSchemas(
  folder: string,
  { openapi, definitions }: Sources,
  wanted: ReadonlySet<string>,
): ReadonlySet<string> {
  mkdirSync(folder, { recursive: true });
  const kinds = new Set<string>();
  const write = (group: string, version: string, kind: string, make: () => Schema) => {
    const id = `${group}/${version}/${kind}`.toLowerCase();
    if (!wanted.has(id)) return;
    const schema = make();
    // For the core, which has no group, kubeconform takes the version for one.
    writeFileSync(join(folder, `${group || version}_${version}_${kind.toLowerCase()}.json`), JSON.stringify(schema));
    kinds.add(id);
  };
  for (const [name, definition] of Object.entries(openapi.definitions))
    for (const { group, version, kind } of (definition['x-kubernetes-group-version-kind'] ?? []) as {
      group: string;
      version: string;
      kind: string;
    }[])
      write(group, version, kind, () => kubernetesSchema(openapi.definitions, name, group, version, kind));
  for (const definition of definitions)
    for (const { name, schema } of definition.spec.versions)
      write(definition.spec.group, name, definition.spec.names.kind, () =>
        customSchema(definition, schema?.openAPIV3Schema ?? {}),
      );
  return kinds;
}

/** A kind of Kubernetes with all definitions that it reaches, each closed against properties it does not have. */
function kubernetesSchema(
  all: Record<string, Schema>,
  name: string,
  group: string,
  version: string,
  kind: string,
): Schema {
  const reached: Record<string, Schema> = {};
  const reach = (each: string) => {
    if (reached[each] !== undefined) return;
    reached[each] = strict(all[each] ?? {});
    for (const [, next = ''] of JSON.stringify(all[each]).matchAll(/"#\/definitions\/([^"]+)"/g)) reach(next);
  };
  reach(name);
  const own = reached[name] as { properties?: Schema };
  const properties = {
    ...own.properties,
    apiVersion: { enum: [group === '' ? version : `${group}/${version}`] },
    kind: { enum: [kind] },
  };
  return { ...own, properties, required: ['apiVersion', 'kind', 'metadata'], definitions: reached };
}

function customSchema({ spec }: Definition, schema: Schema): Schema {
  const closed = strict(schema) as { properties?: Schema };
  return {
    ...closed,
    properties: {
      ...closed.properties,
      apiVersion: { type: 'string' },
      kind: { enum: [spec.names.kind] },
      metadata: { type: 'object' },
    },
    required: ['apiVersion', 'kind', 'metadata', ...((schema['required'] as string[] | undefined) ?? [])],
  };
}

/**
 * The same schema in JSON Schema: objects take no property they do not declare, which the API server would drop in silence;
 * quantities and ports may be numbers or texts.
 */
export function strict(schema: Schema): Schema {
  if (schema['x-kubernetes-int-or-string'] === true || schema['format'] === 'int-or-string')
    return { type: ['string', 'integer'] };
  const made: Schema = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key.startsWith('x-kubernetes-') || key === 'description' || key === 'default' || key === 'format') continue;
    made[key] = value;
  }
  const properties = schema['properties'] as Record<string, Schema> | undefined;
  if (properties !== undefined) {
    made['properties'] = Object.fromEntries(Object.entries(properties).map(([key, each]) => [key, strict(each)]));
    if (schema['additionalProperties'] === undefined && schema['x-kubernetes-preserve-unknown-fields'] !== true)
      made['additionalProperties'] = false;
  }
  for (const key of ['items', 'additionalProperties', 'not'])
    if (typeof schema[key] === 'object' && schema[key] !== null) made[key] = strict(schema[key] as Schema);
  // Alternatives name properties that the object declares beside them: they stay open.
  if (/^(Quantity is)/.test(String(schema['description']))) return { type: ['string', 'number'] };
  return made;
}
