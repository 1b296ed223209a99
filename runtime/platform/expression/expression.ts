import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { telemetryBounds, type Value, type Values } from '../../contracts/telemetry.ts';

/** A transform expression is wrong. The message names the place and what is allowed. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

/** A compiled expression. @throws ExpressionError when it fails on these values or gives no number, string or boolean. */
export type Expression = (values: Values) => Value;

/**
 * CEL (https://cel.dev) over `values`, without what could cost more than the expression is long: `matches` runs a
 * backtracking regular expression, `bind` doubles strings, the list macros nest. No loops, no functions of ours, no eval.
 * A reading's numbers are CEL doubles; arithmetic with whole literals is added, so `values.a * 2` means what it says.
 */
const environment = new Environment({
  limits: { maxAstNodes: 200, maxDepth: 24, maxListElements: 32, maxMapEntries: 1, maxCallArguments: 4 },
})
  .registerVariable('values', 'map')
  .registerOperator('double + int', (a: number, b: bigint) => a + Number(b))
  .registerOperator('double - int', (a: number, b: bigint) => a - Number(b))
  .registerOperator('double * int', (a: number, b: bigint) => a * Number(b))
  .registerOperator('double / int', (a: number, b: bigint) => a / Number(b))
  .registerOperator('int + double', (a: bigint, b: number) => Number(a) + b)
  .registerOperator('int - double', (a: bigint, b: number) => Number(a) - b)
  .registerOperator('int * double', (a: bigint, b: number) => Number(a) * b)
  .registerOperator('int / double', (a: bigint, b: number) => Number(a) / b);

const calls = ['double', 'int', 'string', 'bool', 'size', 'has'];
const methods = [
  'startsWith',
  'endsWith',
  'contains',
  'lowerAscii',
  'upperAscii',
  'trim',
  'substring',
  'indexOf',
  'size',
];

/**
 * Compiles one expression of a device type.
 * @throws ExpressionError for a syntax or type error, or a function that is not allowed.
 */
export function compileExpression(text: string): Expression {
  let compiled: ReturnType<Environment['parse']>;
  try {
    compiled = environment.parse(text);
  } catch (error) {
    throw new ExpressionError(`expression '${text}': ${firstLine(error)}`);
  }
  refuseCalls(text, compiled.ast);
  const checked = compiled.check();
  if (!checked.valid) throw new ExpressionError(`expression '${text}': ${firstLine(checked.error)}`);
  return (values) => {
    let result: unknown;
    try {
      result = compiled({ values });
    } catch (error) {
      throw new ExpressionError(`expression '${text}': ${firstLine(error)}`);
    }
    return toValue(text, result);
  };
}

function toValue(text: string, result: unknown): Value {
  if (typeof result === 'bigint') return toValue(text, Number(result));
  if (typeof result === 'number') {
    if (Number.isFinite(result)) return result;
    throw new ExpressionError(`expression '${text}' gave ${result}; a finite number is allowed`);
  }
  if (typeof result === 'boolean') return result;
  if (typeof result === 'string') {
    // Postgres' jsonb takes neither; it would refuse the row, after its whole batch was halved down to it.
    if (result.includes('\0') || !result.isWellFormed())
      throw new ExpressionError(`expression '${text}' gave text with a NUL or half a character (a lone surrogate)`);
    if (result.length <= telemetryBounds.stringLength) return result;
    throw new ExpressionError(
      `expression '${text}' gave ${result.length} characters; ${telemetryBounds.stringLength} are allowed`,
    );
  }
  throw new ExpressionError(`expression '${text}' gave no number, string or boolean`);
}

function refuseCalls(text: string, root: ASTNode): void {
  const stack: unknown[] = [root];
  while (stack.length > 0) {
    const node = stack.pop();
    if (Array.isArray(node)) stack.push(...node);
    else if (isNode(node)) {
      const name = node.op === 'call' || node.op === 'rcall' ? (node.args[0] as string) : undefined;
      const allowed = node.op === 'call' ? calls : methods;
      if (name !== undefined && !allowed.includes(name))
        throw new ExpressionError(
          `expression '${text}' calls ${name}(); allowed are ${[...calls, ...methods].join(', ')}`,
        );
      stack.push(node.args);
    }
  }
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] ?? text;
}
