import { type AlertRule, DeviceType, type MetricSchema } from '../contracts/device-type.ts';
import { telemetryBounds, type Values } from '../contracts/telemetry.ts';
import { compileExpression, type Expression, ExpressionError } from '../platform/expression/expression.ts';
import type { Refusal } from './decode.ts';

/** A device type made ready to run; compiled once a version. */
export type CompiledType = {
  id: string;
  version: number;
  alerts: readonly AlertRule[];
  /** The values to store, or why the type refuses them. */
  apply(values: Values): { values: Values } | { refusal: Refusal };
};

/**
 * A definition as core holds it. One that an older release stored and this one does not allow refuses its readings: an
 * exception here would look like core being away, and keep every device of the same look-up waiting for ever.
 */
export function compileStored(id: string, definition: unknown, version: number): CompiledType {
  const parsed = DeviceType.safeParse(definition);
  if (parsed.success) return compileType(parsed.data, version);
  const { path, message } = parsed.error.issues[0] ?? { path: [], message: 'not valid' };
  const detail = `type '${id}' is not valid any more and must be stored again: ${path.join('.')}: ${message}`;
  return { id, version, alerts: [], apply: () => ({ refusal: { reason: 'schema', detail } }) };
}

/** A type whose expressions do not compile refuses every reading and says so; it never passes readings unchanged. */
export function compileType(type: DeviceType, version: number): CompiledType {
  const { id, alerts } = type;
  const steps: [string, Expression][] = [];
  let broken: Refusal | undefined;
  for (const [metric, text] of Object.entries(type.transform)) {
    try {
      steps.push([metric, compileExpression(text)]);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      broken = { reason: 'transform', detail: `type '${id}', metric '${metric}': ${error.message}` };
    }
  }
  const schema = Object.entries(type.metrics);
  const known = new Set(schema.map(([name]) => name));
  const plain = steps.length === 0 && type.drop.length === 0;
  const free = schema.length === 0 && type.additionalMetrics;
  return {
    id,
    version,
    alerts,
    apply(sent) {
      if (broken !== undefined) return { refusal: broken };
      const transformed = plain ? { values: sent } : transform(id, steps, type.drop, sent);
      if (free || 'refusal' in transformed) return transformed;
      const problem = violation(schema, known, type.additionalMetrics, transformed.values);
      return problem === undefined
        ? transformed
        : { refusal: { reason: 'schema', detail: `type '${id}': ${problem}` } };
    },
  };
}

/** Every expression sees the values as sent, so their order means nothing. */
function transform(
  id: string,
  steps: readonly [string, Expression][],
  drop: readonly string[],
  sent: Values,
): { values: Values } | { refusal: Refusal } {
  const values = { ...sent };
  for (const [metric, evaluate] of steps) {
    try {
      values[metric] = evaluate(sent);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      return { refusal: { reason: 'transform', detail: `type '${id}', metric '${metric}': ${error.message}` } };
    }
  }
  for (const metric of drop) delete values[metric];
  const count = Object.keys(values).length;
  if (count > telemetryBounds.metricsPerReading) {
    const detail = `type '${id}': ${count} metrics after the transform, allowed are ${telemetryBounds.metricsPerReading}`;
    return { refusal: { reason: 'too-large', detail } };
  }
  return { values };
}

/** First thing about `values` that breaks the schema, or undefined. */
function violation(
  schema: readonly [string, MetricSchema][],
  known: ReadonlySet<string>,
  additional: boolean,
  values: Values,
): string | undefined {
  if (!additional)
    for (const name in values)
      if (!known.has(name)) return `metric '${name}' is not of this type; it has ${[...known].join(', ')}`;
  for (const [name, rule] of schema) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined; // a metric may be called toString
    if (value === undefined) {
      if (rule.required) return `metric '${name}' is missing`;
      continue;
    }
    const is = typeof value;
    if (rule.type === 'integer' ? !Number.isInteger(value) : is !== rule.type)
      return `metric '${name}' is a ${is}, it must be ${rule.type}`;
    if (typeof value === 'number') {
      if (rule.min !== undefined && value < rule.min) return `metric '${name}' is ${value}, the least is ${rule.min}`;
      if (rule.max !== undefined && value > rule.max) return `metric '${name}' is ${value}, the most is ${rule.max}`;
    }
    if (typeof value === 'string' && rule.maxLength !== undefined && value.length > rule.maxLength)
      return `metric '${name}' has ${value.length} characters, the most is ${rule.maxLength}`;
  }
  return undefined;
}
