import { type Answer, all, answer, any, no, not, unknown, yes } from './answer.ts';

/**
 * How the engine spells an unknown value of each type inside properties.
 * https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/plugin/rpc.go
 */
const unknownValues: ReadonlySet<unknown> = new Set([
  '1c4a061d-8072-4f0a-a4cb-0ff528b18fe7', // boolean
  '3eeb2bf0-c639-47a8-9e75-3b44932eb421', // number
  '04da6b54-80e4-46f7-96ec-b56ff0331ba9', // string
  '6a19a0b0-7e62-4c92-b797-7f8e31da9cc2', // array
  '030794c1-ac77-496b-92df-f27374a8bd58', // asset
  'e48ece36-62e2-4504-bad9-02848725956a', // archive
  'dd056dcd-154b-4c76-9bd3-c8f88648b5ff', // object
]);
export const unknownObject = 'dd056dcd-154b-4c76-9bd3-c8f88648b5ff';
export const unknownText = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
/** Mark of a wrapped secret, and of other wrapped values, on the engine's wire. */
const signature = '4dabf18193072939515e22adb298388d';
const secret = '1b47061264138c4ac30d75fd1eb44270';
/** Bookkeeping of bridged providers among the inputs. */
const bookkeeping: ReadonlySet<string> = new Set(['__defaults', '__internal', '__self']);

/**
 * One place among a resource's properties: known, unknown (a preview), or absent. Questions are answered with an
 * `Answer`, so that a rule reads as a sentence and cannot forget the unknown. `null` counts as absent.
 */
export class Reading {
  readonly path: string;
  readonly state: 'known' | 'unknown' | 'absent';
  /** Whether the value, or something above it, is wrapped as a secret (the policy host unwraps secrets for checks). */
  readonly secret: boolean;
  readonly #value: unknown;

  constructor(path: string, value: unknown, isSecret = false) {
    let open = unproxied(value);
    let wrapped = isSecret;
    while (isWrapped(open)) {
      wrapped ||= open[signature] === secret;
      open = open['value'];
    }
    this.path = path;
    this.secret = wrapped;
    this.#value = open;
    this.state = open === undefined || open === null ? 'absent' : unknownValues.has(open) ? 'unknown' : 'known';
  }

  /** The value where it is known, else undefined. May hold unknowns inside: prefer `test`, which looks for them. */
  get value(): unknown {
    return this.state === 'known' ? this.#value : undefined;
  }

  /** What is below: `at('settings.ipConfiguration')`, `at('rules[0]')`; `at('')` is the place itself. Below an unknown everything is unknown. */
  at(path: string): Reading {
    if (path === '') return this;
    let here: Reading = this;
    for (const step of path.split(/\.|(?=\[)/)) here = here.step(step);
    return here;
  }

  /** One key as it is, dots included: labels and annotations. */
  key(name: string): Reading {
    return /^\w+$/.test(name) ? this.step(name) : this.below(`${this.path}["${name}"]`, name);
  }

  /** A property that is missing means this, because the API says so. Cite where it does. */
  orElse(value: unknown): Reading {
    return this.state === 'absent' ? new Reading(this.path, value) : this;
  }

  /** Known and one of these. Absent is `no`. */
  is(...values: readonly unknown[]): Answer {
    return this.test((value) => values.includes(value));
  }

  isNot(...values: readonly unknown[]): Answer {
    return not(this.is(...values), this.path);
  }

  /** There is something, an empty text, list or object included. */
  exists(): Answer {
    return this.state === 'unknown' ? unknown(this.path) : answer(this.state === 'known', this.path);
  }

  isAbsent(): Answer {
    return not(this.exists(), this.path);
  }

  /** There is something and it is not empty. An unknown is something. */
  isFilled(): Answer {
    if (this.state === 'unknown') return yes;
    return answer(this.state === 'known' && !isEmpty(this.#value), this.path);
  }

  /** Known and right. @param right is never asked about a value with an unknown inside. */
  test(right: (value: unknown) => boolean): Answer {
    if (this.state === 'absent') return no(this.path);
    const hole = this.hole();
    return hole === null ? answer(right(opened(this.#value)), this.path) : unknown(hole);
  }

  matches(pattern: RegExp): Answer {
    return this.test((value) => typeof value === 'string' && pattern.test(value));
  }

  atMost(limit: number): Answer {
    return this.test((value) => isNumeric(value) && Number(value) <= limit);
  }

  atLeast(limit: number): Answer {
    return this.test((value) => isNumeric(value) && Number(value) >= limit);
  }

  /** Elements of a list; of anything else, none. Ask `every` or `some` where the list itself may be unknown. */
  items(): readonly Reading[] {
    if (this.state !== 'known' || !Array.isArray(this.#value)) return [];
    return this.#value.map((each, index) => new Reading(`${this.path}[${index}]`, each, this.secret));
  }

  /** Names and values of an object, without a provider's bookkeeping. */
  entries(): readonly (readonly [string, Reading])[] {
    if (this.state !== 'known' || typeof this.#value !== 'object' || Array.isArray(this.#value)) return [];
    return Object.keys(this.#value as object)
      .filter((name) => !bookkeeping.has(name))
      .map((name) => [name, this.key(name)] as const);
  }

  /** Holds for each element. Of no elements: yes. */
  every(right: (element: Reading) => Answer): Answer {
    return this.state === 'unknown' ? unknown(this.path) : all(this.items().map(right));
  }

  /** Holds for one element at least. Of no elements: no. */
  some(right: (element: Reading) => Answer): Answer {
    if (this.state === 'unknown') return unknown(this.path);
    const found = any(this.items().map(right));
    return found.is === 'no' ? no(this.path) : found;
  }

  /** The list has each of these values. */
  includes(...values: readonly unknown[]): Answer {
    return all(values.map((value) => this.some((element) => element.is(value))));
  }

  private step(step: string): Reading {
    const index = /^\[(\d+)\]$/.exec(step)?.[1];
    if (index !== undefined) return this.below(`${this.path}${step}`, index);
    return this.below(this.path === '' ? step : `${this.path}.${step}`, step);
  }

  private below(path: string, name: string): Reading {
    if (this.state === 'unknown') return new Reading(path, unknownText, this.secret);
    const here = this.#value;
    const held = typeof here === 'object' && here !== null && Object.hasOwn(here, name);
    return new Reading(path, held ? (here as Record<string, unknown>)[name] : undefined, this.secret);
  }

  /** Path of the first unknown at or below, or null. */
  private hole(): string | null {
    if (this.state === 'unknown') return this.path;
    for (const each of [...this.items(), ...this.entries().map(([, reading]) => reading)]) {
      const found = each.hole();
      if (found !== null) return found;
    }
    return null;
  }
}

/** The policy host hands out a proxy that throws at each unknown; the values behind it are what we read. */
function unproxied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const proxy = value as { __isSpecialProxy?: unknown; __getSpecialProxyTarget?: unknown };
  return proxy.__isSpecialProxy === true ? proxy.__getSpecialProxyTarget : value;
}

const isWrapped = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, signature) && Object.hasOwn(value, 'value');

const isNumeric = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value));

function isEmpty(value: unknown): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** Without wrappers of secrets and bookkeeping, for a rule that looks at a whole value. */
function opened(value: unknown): unknown {
  const open = isWrapped(value) ? value['value'] : value;
  if (Array.isArray(open)) return open.map(opened);
  if (typeof open !== 'object' || open === null) return open;
  return Object.fromEntries(
    Object.entries(open)
      .filter(([name]) => !bookkeeping.has(name))
      .map(([name, each]) => [name, opened(each)]),
  );
}
