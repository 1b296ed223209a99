import type { DeviceType } from '../contracts/device-type.ts';
import { compileExpression, ExpressionError } from '../platform/expression/expression.ts';
import type { FieldError } from '../platform/http/problem.ts';

/** What the schema of a device type cannot say: fields that must fit each other, expressions that must compile. */
export function deviceTypeProblems(type: DeviceType, pathId: string): FieldError[] {
  return [
    ...(type.id === pathId
      ? []
      : [{ field: 'body.id', message: `must be the id in the path, '${pathId}'; it is '${type.id}'` }]),
    ...Object.entries(type.metrics).flatMap(([name, metric]) => metricProblems(`body.metrics.${name}`, metric)),
    ...Object.entries(type.transform).flatMap(([name, text]) => expressionProblems(`body.transform.${name}`, text)),
    ...repeatedAlerts(type),
  ];
}

function metricProblems(field: string, metric: DeviceType['metrics'][string]): FieldError[] {
  const problems: FieldError[] = [];
  const numeric = metric.type === 'number' || metric.type === 'integer';
  if (!numeric && (metric.min !== undefined || metric.max !== undefined))
    problems.push({ field, message: `min and max are for number and integer; this metric is ${metric.type}` });
  if (metric.min !== undefined && metric.max !== undefined && metric.min > metric.max)
    problems.push({ field, message: `min ${metric.min} is above max ${metric.max}` });
  if (metric.type !== 'string' && metric.maxLength !== undefined)
    problems.push({ field, message: `maxLength is for string; this metric is ${metric.type}` });
  return problems;
}

function expressionProblems(field: string, text: string): FieldError[] {
  try {
    compileExpression(text);
    return [];
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return [{ field, message: `is no usable CEL expression over \`values\`: ${error.message}` }];
  }
}

function repeatedAlerts(type: DeviceType): FieldError[] {
  return type.alerts.flatMap((alert, i) =>
    type.alerts.findIndex((other) => other.id === alert.id) === i
      ? []
      : [{ field: `body.alerts[${i}].id`, message: `'${alert.id}' is taken by an alert before; each id stands once` }],
  );
}
