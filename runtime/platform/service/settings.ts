import type { z } from 'zod';

/** All wrong settings of a process at once: one line each, naming variable, value, what is allowed and where to set it. */
export class SettingsError extends Error {
  readonly problems: readonly string[];
  constructor(service: string, problems: readonly string[]) {
    super(
      `${service}: ${problems.length} wrong setting${problems.length === 1 ? '' : 's'}\n  ${problems.join('\n  ')}\n  Settings are environment variables; docs/reference/settings.md lists them all.`,
    );
    this.name = 'SettingsError';
    this.problems = problems;
  }
}

const secretName = /(PASSWORD|SECRET|TOKEN|_KEY|_URLS?)$/;
/** A Google resource name says where a secret is, not what it is. */
const mayBeSecret = (name: string, value: string) => secretName.test(name) && !value.startsWith('projects/');

/**
 * One typed, frozen value from an environment record. Unknown names that begin with `IOT_` are refused: a misspelt
 * setting must not be silently the default.
 * @param schema keys are variable names.
 * @throws SettingsError with every problem; values whose variable name may hold a secret are not repeated.
 */
export function readSettings<S extends z.ZodObject>(
  service: string,
  schema: S,
  env: Record<string, string | undefined>,
): Readonly<z.output<S>> {
  const known = new Set(Object.keys(schema.shape));
  const given: Record<string, string> = {};
  const problems: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (known.has(name)) {
      if (value !== '') given[name] = value;
    } else if (name.startsWith('IOT_')) problems.push(`${name}: unknown setting; ${nearest(name, known)}`);
  }
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const name = String(issue.path[0] ?? 'settings');
      const value = given[name];
      const shown =
        value === undefined
          ? 'is not set'
          : mayBeSecret(name, value)
            ? 'has a wrong value (not shown)'
            : `is '${value}'`;
      problems.push(`${name} ${shown}: ${issue.message}`);
    }
  }
  if (problems.length > 0 || !parsed.success) throw new SettingsError(service, problems);
  return Object.freeze(parsed.data);
}

function nearest(name: string, known: ReadonlySet<string>): string {
  const parts = new Set(name.split('_'));
  const scored = [...known].map((k) => ({ k, score: k.split('_').filter((p) => parts.has(p)).length }));
  const best = scored.sort((a, b) => b.score - a.score)[0];
  return best === undefined ? 'this process has no settings' : `did you mean ${best.k}?`;
}
