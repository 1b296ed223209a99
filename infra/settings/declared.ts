import type { z } from 'zod';
import { EnvironmentSettings, PreviewSettings } from './schema.ts';

/**
 * What the engine is told of each setting in `Pulumi.yaml`, made from the schemas. The engine gives every declared key to
 * every stack, whichever program it runs, and refuses a stack that lacks a key without default. So only what both programs
 * need has none; everything else that has no natural default gets a value that means "not set": empty text, 0, an empty
 * object.
 * https://github.com/pulumi/pulumi/blob/master/sdk/go/common/workspace/config.go (mergeConfig)
 */
export type ConfigType = 'string' | 'integer' | 'boolean' | 'array' | 'object';
export type Program = 'environment' | 'preview';

export type Declared = {
  key: string;
  type: ConfigType;
  /** Type of an array's items. */
  items?: ConfigType;
  programs: readonly Program[];
  /** What the engine fills in; undefined: the stack must set it. */
  default: unknown;
  /** The default means that nothing is set: the reader drops it. */
  meansUnset: boolean;
};

/** Both programs need these, so that the engine itself can ask for them. */
const neededByBoth: ReadonlySet<string> = new Set(['project', 'region']);
const unset: Readonly<Record<ConfigType, unknown>> = { string: '', integer: 0, boolean: false, array: [], object: {} };
const shapes: Readonly<Record<Program, Readonly<Record<string, z.ZodType>>>> = {
  environment: EnvironmentSettings.shape,
  preview: PreviewSettings.shape,
};

/** Every setting of either program by key. @throws Error when the two programs differ about a key they share. */
export function declaredSettings(): ReadonlyMap<string, Declared> {
  const found = new Map<string, Declared>();
  for (const [program, shape] of Object.entries(shapes) as [Program, Record<string, z.ZodType>][])
    for (const [key, schema] of Object.entries(shape)) {
      const own = declare(key, schema, program);
      const other = found.get(key);
      // `program` itself is what tells them apart: environment, unless a stack says preview.
      if (other !== undefined && key !== 'program' && !same({ ...own, programs: [] }, { ...other, programs: [] }))
        throw new Error(`setting ${key} has another type or default in the two programs: the engine knows only one`);
      found.set(key, other === undefined ? own : { ...other, programs: [...other.programs, program] });
    }
  return found;
}

/** Text as `runtime.allConfig()` gives it: lists and objects as JSON. */
export const engineText = (value: unknown): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value);

/** Whether a text of a key says the same as a value of it: `{ }` and `{}` do. */
export function saysSame(text: string, { type, default: value }: Declared): boolean {
  if (type !== 'array' && type !== 'object') return text === engineText(value);
  try {
    return same(JSON.parse(text), value);
  } catch {
    // Not JSON, so it is not the default; whoever reads the key says what is wrong with it.
    return false;
  }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function declare(key: string, schema: z.ZodType, program: Program): Declared {
  const { type, items, fallback } = kindOf(schema);
  const needed = neededByBoth.has(key);
  return {
    key,
    type,
    ...(items === undefined ? {} : { items }),
    programs: [program],
    default: fallback !== undefined ? fallback : needed ? undefined : unset[type],
    meansUnset: fallback === undefined && !needed,
  };
}

type Definition = {
  type: string;
  innerType?: z.core.$ZodType;
  defaultValue?: unknown;
  element?: z.core.$ZodType;
  in?: z.core.$ZodType;
};
const definitionOf = (schema: z.core.$ZodType): Definition => schema._zod.def as unknown as Definition;

function kindOf(schema: z.ZodType): { type: ConfigType; items?: ConfigType; fallback: unknown } {
  let at = definitionOf(schema);
  let fallback: unknown;
  while (at.innerType !== undefined) {
    if (at.defaultValue !== undefined) fallback = at.defaultValue;
    at = definitionOf(at.innerType);
  }
  const type = types[at.type];
  if (type === undefined) throw new Error(`a setting of kind ${at.type}: infra/settings/declared.ts does not know it`);
  if (type !== 'array' || at.element === undefined) return { type, fallback };
  return { type, items: kindOf(at.element as z.ZodType).type, fallback };
}

/** Zod's kinds; the only union is a flag that may come as text. */
const types: Readonly<Record<string, ConfigType>> = {
  string: 'string',
  enum: 'string',
  literal: 'string',
  number: 'integer',
  boolean: 'boolean',
  union: 'boolean',
  array: 'array',
  object: 'object',
  record: 'object',
};
