import * as pulumi from '@pulumi/pulumi';
import type { z } from 'zod';

/** A literal is checked while the program runs, an output as soon as its value is known. */
export type SettingValue = string | number | boolean | pulumi.Output<string>;

/** Settings that every pod gets from the component. */
type OfThePod = 'IOT_INSTANCE' | 'IOT_NAMESPACE' | 'IOT_BIND' | 'IOT_HEALTH_PORT';

/** A service's settings as its own schema names them: a misspelt or missing one does not compile. */
export type SettingsOf<S extends z.ZodObject> = {
  [K in keyof Omit<z.input<S>, OfThePod>]: SettingValue | Extract<undefined, z.input<S>[K & keyof z.input<S>]>;
};

/** One variable of a container. */
export type Variable = { name: string; value: pulumi.Input<string> } | { name: string; valueFrom: FieldRef };
type FieldRef = { fieldRef: { fieldPath: string } };

/** A pod's own name, which Kubernetes knows only later, has this form. */
const podName = 'pod-5f6d9c7b8-x2x4z';

/**
 * A container's variables, in the order of their names, checked by the service's own schema.
 * @param values every setting; those left out have the schema's default
 * @throws Error naming service, setting and what is allowed. What depends on an output is refused when the value is known,
 *   before the pod is made.
 */
export function variablesOf(
  service: string,
  schema: z.ZodObject,
  values: Readonly<Record<string, SettingValue | undefined>>,
): Variable[] {
  const given = Object.entries(values).filter((entry): entry is [string, SettingValue] => entry[1] !== undefined);
  const literals = given.filter(([, value]) => !pulumi.Output.isInstance(value));
  const problems: string[] = [];
  for (const [name, value] of given) {
    const field = schema.shape[name];
    if (field === undefined) problems.push(`${name} is not a setting`);
    else if (!pulumi.Output.isInstance(value)) problems.push(...wrong(name, field.safeParse(String(value))));
  }
  for (const [name, field] of Object.entries(schema.shape))
    if (name !== 'IOT_INSTANCE' && values[name] === undefined)
      problems.push(...wrong(name, field.safeParse(undefined)));
  if (problems.length > 0) throw new Error(`settings of ${service}: ${problems.join('; ')}`);

  const plain = Object.fromEntries(literals.map(([name, value]) => [name, String(value)]));
  if (literals.length === given.length) checked(service, schema, plain);
  const whole = pulumi.output(Object.fromEntries(given)).apply((all) => checked(service, schema, all));
  return [
    ...given.map(([name, value]) => ({
      name,
      value: pulumi.Output.isInstance(value) ? whole.apply((all) => all[name] as string) : String(value),
    })),
    ...('IOT_INSTANCE' in schema.shape
      ? [{ name: 'IOT_INSTANCE', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }]
      : []),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * All values of a container as texts, when its own schema takes them together.
 * @throws Error naming service, setting and what is allowed
 */
export function checked(
  service: string,
  schema: z.ZodObject,
  values: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> {
  const texts = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
  const problems = wrong('', schema.safeParse({ IOT_INSTANCE: podName, ...texts }));
  if (problems.length > 0) throw new Error(`settings of ${service}: ${problems.join('; ')}`);
  return texts;
}

function wrong(name: string, parsed: z.ZodSafeParseResult<unknown>): string[] {
  if (parsed.success) return [];
  return parsed.error.issues.map((issue) => `${name || issue.path.join('.')}: ${issue.message}`);
}
