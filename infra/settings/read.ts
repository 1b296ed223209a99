import type { z } from 'zod';
import { declaredSettings, type Program, saysSame } from './declared.ts';
import { EnvironmentSettings, PreviewSettings } from './schema.ts';

/** Everything wrong with a stack's settings at once, before anything is created. */
export class StackSettingsError extends Error {
  readonly problems: readonly string[];
  constructor(stack: string, problems: readonly string[]) {
    super(
      `${problems.length} wrong setting${problems.length === 1 ? '' : 's'} of stack ${stack}:\n${problems.map((p) => `  - ${p}`).join('\n')}\n` +
        `Set them with \`pulumi config set KEY VALUE -s ${stack}\` or in stacks/Pulumi.${stack}.yaml; docs/reference/stack-settings.md lists them all.`,
    );
    this.name = 'StackSettingsError';
    this.problems = problems;
  }
}

export type StackSettings =
  | (EnvironmentSettings & { program: 'environment' })
  | (PreviewSettings & { program: 'preview' });

/** Namespaces that the engine itself reads, and the policy packs (tier and exemptions, docs/how-to/policies.md). */
const engineKeys = /^(pulumi|policies):/;

/**
 * @param stack the stack's name
 * @param config every key of the stack with its namespace (`iot-platform:region`), values as the engine gives them:
 *   text, and JSON for lists and objects
 * @throws StackSettingsError
 */
export function readStackSettings(
  stack: string,
  project: string,
  config: Readonly<Record<string, string>>,
): StackSettings {
  const problems: string[] = [];
  const raw: Record<string, unknown> = {};
  const program: Program = config[`${project}:program`] === 'preview' ? 'preview' : 'environment';
  const schema = program === 'preview' ? PreviewSettings : EnvironmentSettings;
  const declared = declaredSettings();
  for (const [key, text] of Object.entries(config)) {
    if (engineKeys.test(key)) continue;
    const at = key.indexOf(':');
    const [namespace, name] = [key.slice(0, at), key.slice(at + 1)];
    if (namespace !== project) {
      problems.push(
        `${key} is set, but nothing reads it: the program's providers are explicit and take their values from ${project}:… settings. Remove it with \`pulumi config rm ${key}\``,
      );
      continue;
    }
    const known = declared.get(name);
    if (known === undefined) raw[name] = text;
    else if (!known.programs.includes(program)) {
      // The engine gives defaults of Pulumi.yaml to every stack, those of the other program too.
      if (!saysSame(text, known))
        problems.push(
          `${name} is '${text}', and this stack runs the ${program} program: it is a setting of the ${known.programs.join()} program. Remove it with \`pulumi config rm ${name}\`, or set program`,
        );
    } else if (known.meansUnset && saysSame(text, known)) continue;
    else if (known.type !== 'array' && known.type !== 'object') raw[name] = text;
    else
      try {
        raw[name] = JSON.parse(text);
      } catch (error) {
        problems.push(`${name} is '${text}': allowed is JSON or a YAML list or object (${(error as Error).message})`);
      }
  }
  const parsed = schema.safeParse(raw);
  if (!parsed.success) for (const issue of parsed.error.issues) problems.push(...wordsOf(issue, raw, schema));
  if (problems.length > 0 || !parsed.success) throw new StackSettingsError(stack, problems);
  return parsed.data as StackSettings;
}

function wordsOf(issue: z.core.$ZodIssue, raw: Record<string, unknown>, schema: z.ZodObject): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) =>
      issue.path.length === 0
        ? `${key} is not a setting; ${nearest(key, Object.keys(schema.shape))}`
        : `${issue.path.join('.')}.${key} is not a setting`,
    );
  const path = issue.path.map(String);
  const value = path.reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], raw);
  const shown =
    value === undefined ? 'is not set' : `is ${typeof value === 'string' ? `'${value}'` : JSON.stringify(value)}`;
  return [`${path.join('.')} ${shown}: ${ownWords(issue, schema)}`];
}

/** The schemas' own words. Of a missing text Zod says only that it is none; what the same setting says of a wrong one does better. */
function ownWords(issue: z.core.$ZodIssue, schema: z.ZodObject): string {
  if (issue.message.startsWith('allowed')) return issue.message;
  let at: z.core.$ZodType = schema;
  for (const part of issue.path) {
    while ('unwrap' in at) at = (at as z.ZodOptional).unwrap();
    const next = at instanceof Object && 'shape' in at ? (at as z.ZodObject).shape[String(part)] : undefined;
    if (next === undefined) return issue.message;
    at = next;
  }
  const words = (at as z.ZodType).safeParse('\0').error?.issues[0]?.message;
  return words?.startsWith('allowed') ? words : issue.message;
}

/** The known name that takes the fewest edits, or all of them when none is like it. */
function nearest(name: string, known: readonly string[]): string {
  const [best] = known
    .map((each) => ({ each, edits: editsBetween(name.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  return best !== undefined && best.edits <= Math.max(2, name.length / 3)
    ? `did you mean ${best.each}?`
    : `the settings are ${known.join(', ')}`;
}

/** Levenshtein's distance. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(
        Math.min((row[j] as number) + (letter === other ? 0 : 1), (row[j + 1] as number) + 1, (next[j] as number) + 1),
      );
    row = next;
  }
  return row[b.length] as number;
}
