import type { Recording, Registration } from '../../../../infra/recording/record.ts';

/** Who needs whom: a resource is created after what it reaches here, and deleted before it. */
export class Graph {
  readonly byUrn: ReadonlyMap<string, Registration>;
  readonly #needs = new Map<string, ReadonlySet<string>>();
  readonly #reached = new Map<string, ReadonlySet<string>>();

  constructor({ registrations }: Recording) {
    this.byUrn = new Map(registrations.map((each) => [each.urn, each]));
    for (const each of registrations) {
      // `urn::id`; the id of a provider has no `::` in it.
      const provider = each.provider === '' ? [] : [each.provider.split('::').slice(0, -1).join('::')];
      this.#needs.set(
        each.urn,
        new Set([
          ...each.dependencies,
          ...Object.values(each.propertyDependencies).flat(),
          ...(each.parent === null ? [] : [each.parent]),
          ...provider,
        ]),
      );
    }
  }

  /** Everything that has to be there before this one. */
  before(urn: string): ReadonlySet<string> {
    const known = this.#reached.get(urn);
    if (known !== undefined) return known;
    const reached = new Set<string>();
    const open = [...(this.#needs.get(urn) ?? [])];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (reached.has(next)) continue;
      reached.add(next);
      open.push(...(this.#needs.get(next) ?? []));
    }
    this.#reached.set(urn, reached);
    return reached;
  }
}

/** `gcp:sql/databaseInstance:DatabaseInstance core` for messages. */
export const called = ({ type, name }: Pick<Registration, 'type' | 'name'>): string => `${type} ${name}`;

/** Every text inside a value with its path; what a secret holds is left out. */
export function* textsIn(value: unknown, path = ''): Generator<{ path: string; text: string; key: string }> {
  if (typeof value === 'string')
    yield {
      path,
      text: value,
      key:
        path
          .split('.')
          .at(-1)
          ?.replace(/\[\d+\]$/, '') ?? '',
    };
  else if (Array.isArray(value)) for (const [index, each] of value.entries()) yield* textsIn(each, `${path}[${index}]`);
  else if (typeof value === 'object' && value !== null && !(secretMark in value))
    for (const [key, each] of Object.entries(value)) yield* textsIn(each, path === '' ? key : `${path}.${key}`);
}

const secretMark = '4dabf18193072939515e22adb298388d';
