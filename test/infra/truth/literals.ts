import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Registration, secretKey, unknownValue } from '../../../infra/recording/record.ts';

/** TypeScript text of recorded inputs, and what stands in each of its lines. */
export type Literals = { text: string; places: readonly Place[] };
/** A line of the text: whose input, and the path inside it (`settings.ipConfiguration`). */
export type Place = { registration: Registration; path: string };

/**
 * Where a provider's package declares the arguments of a type: `gcp:pubsub/topic:Topic` is `gcp.pubsub.TopicArgs` in
 * `pubsub/topic.d.ts`. Null for what no package declares: custom resources of Kubernetes, providers, components.
 */
export function declarationOf(type: string, root: string): { expression: string; file: string } | null {
  const [pack = '', middle = '', name = ''] = type.split(':');
  const packages: Record<string, string> = {
    gcp: 'gcp',
    kubernetes: 'kubernetes',
    random: 'random',
    command: 'command',
  };
  if (packages[pack] === undefined) return null;
  const [first = '', second = ''] = middle.split('/');
  // The SDK drops the domain of a Kubernetes group: rbac.authorization.k8s.io is `rbac`.
  const group = pack === 'kubernetes' ? first.split('.')[0] : first;
  const modules = group === 'index' || group === '' ? [] : pack === 'kubernetes' ? [group, second] : [group];
  const folder = join(root, 'node_modules/@pulumi', pack, ...(modules as string[]));
  const file = filesOf(folder).get(`${name.toLowerCase()}.d.ts`);
  if (file === undefined) return null;
  return { expression: [pack, ...modules, `${name}Args`].join('.'), file: join(folder, file) };
}

const folders = new Map<string, ReadonlyMap<string, string>>();
/** Files by their name in small letters: `IAMMember` is declared in `iammember.d.ts`, `DatabaseInstance` in `databaseInstance.d.ts`. */
function filesOf(folder: string): ReadonlyMap<string, string> {
  const known = folders.get(folder);
  if (known !== undefined) return known;
  const files = existsSync(folder) ? new Map(readdirSync(folder).map((file) => [file.toLowerCase(), file])) : new Map();
  folders.set(folder, files);
  return files;
}

/** One constant for each registration, one property a line. What no package declares is left out. */
export function literalsOf(registrations: readonly Registration[], root: string): Literals {
  const lines: string[] = [];
  const places: Place[] = [];
  const nothing = { registration: registrations[0] as Registration, path: '' };
  const put = (text: string, place: Place = nothing) => {
    lines.push(text);
    places.push(place);
  };
  for (const pack of ['gcp', 'kubernetes', 'random', 'command'])
    put(`import type * as ${pack} from '@pulumi/${pack}';`);
  put("import type * as pulumi from '@pulumi/pulumi';");
  // The compiler checked the program's own outputs against these arguments where they are passed.
  put('declare const unknown: pulumi.Output<any>;');
  for (const [index, registration] of registrations.entries()) {
    const declaration = declarationOf(registration.type, root);
    if (declaration === null) continue;
    const at = (path: string): Place => ({ registration, path });
    const write = (value: unknown, path: string, before: string, after: string): void => {
      const open = opened(value);
      if (open === unknownValue) {
        put(`${before}unknown${after}`, at(path));
        return;
      }
      if (Array.isArray(open)) {
        put(`${before}[`, at(path));
        for (const [position, each] of open.entries()) write(each, `${path}[${position}]`, '', ',');
        put(`]${after}`, at(path));
        return;
      }
      if (typeof open === 'object' && open !== null) {
        put(`${before}{`, at(path));
        for (const [key, each] of Object.entries(open))
          write(each, path === '' ? key : `${path}.${key}`, `${JSON.stringify(key)}: `, ',');
        put(`}${after}`, at(path));
        return;
      }
      put(`${before}${JSON.stringify(open)}${after}`, at(path));
    };
    write(registration.inputs, '', `export const r${index}: ${declaration.expression} = `, ';');
  }
  return { text: `${lines.join('\n')}\n`, places };
}

/** The value inside a secret. */
export function opened(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && secretKey in value)
    return opened((value as unknown as { value: unknown }).value);
  return value;
}
