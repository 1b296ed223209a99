import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { sameJson } from '../../runtime/contracts/json.ts';
import {
  deltaOf,
  documentProblem,
  mergePatch,
  readReport,
  type TwinDocument,
  twinBounds,
} from '../../runtime/contracts/twin.ts';

const name = fc.constantFrom('a', 'b', 'c', 'd');
const leaf = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.string({ maxLength: 3 }),
  fc.array(fc.integer(), { maxLength: 2 }),
);
const { document } = fc.letrec<{ document: TwinDocument; value: unknown }>((tie) => ({
  document: fc.dictionary(name, tie('value'), { maxKeys: 4 }) as fc.Arbitrary<TwinDocument>,
  value: fc.oneof({ maxDepth: 3 }, leaf, tie('document')),
}));

describe('delta', () => {
  it('is empty exactly when all that is desired is reported', () => {
    const holds = (desired: unknown, reported: unknown): boolean =>
      isObject(desired) && isObject(reported)
        ? Object.entries(desired).every(([key, value]) => Object.hasOwn(reported, key) && holds(value, reported[key]))
        : sameJson(desired, reported);
    fc.assert(
      fc.property(document, document, (desired, reported) => {
        expect(Object.keys(deltaOf(desired, reported)).length === 0).toBe(
          Object.entries(desired).every(
            // An empty object is desired of whatever is an object already.
            ([key, value]) => Object.hasOwn(reported, key) && holds(value, reported[key]),
          ),
        );
      }),
    );
  });

  it('brings a device that takes it over what it has to what is desired, and nothing more is left', () => {
    fc.assert(
      fc.property(document, document, (desired, reported) => {
        const taken = mergePatch(reported, deltaOf(desired, reported)) as TwinDocument;
        expect(deltaOf(desired, taken)).toEqual({});
      }),
    );
  });

  it('of itself is nothing, and against nothing is all', () => {
    fc.assert(
      fc.property(document, (one) => {
        expect(deltaOf(one, one)).toEqual({});
        expect(deltaOf(one, {})).toEqual(one);
      }),
    );
  });

  it('changes neither argument, and takes names of inherited members for what they are', () => {
    const desired = Object.freeze({ toString: 1, valueOf: 'x' });
    expect(deltaOf(desired, Object.freeze({}))).toEqual(desired);
  });
});

describe('merge patch (RFC 7396)', () => {
  // https://www.rfc-editor.org/rfc/rfc7396#appendix-A
  test.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, patch, merged) => {
    expect(mergePatch(target, patch)).toEqual(merged);
  });

  it('is idempotent and leaves no null of the patch behind', () => {
    fc.assert(
      fc.property(document, document, (target, patch) => {
        const once = mergePatch(target, patch);
        expect(mergePatch(once, patch)).toEqual(once);
      }),
    );
  });
});

describe('a reported state', () => {
  const read = (text: string) => readReport(Buffer.from(text));

  it('is a plain object, or one with a version of its own', () => {
    expect(read('{"firmware":"1.2"}')).toEqual({ document: { firmware: '1.2' }, version: null });
    expect(read('{"version":7,"reported":{"a":1}}')).toEqual({ document: { a: 1 }, version: 7 });
    // A state that happens to have such names beside others is itself.
    expect(read('{"version":7,"reported":{},"lamp":true}')).toMatchObject({ version: null });
    expect(read('{"version":"1.2","reported":{}}')).toMatchObject({ version: null });
  });

  test.each([
    ['[1]', 'must be one JSON object'],
    ['null', 'must be one JSON object'],
    ['{', 'not JSON'],
    ['{"__proto__":{"a":1}}', "the name '__proto__'"],
    ['{"a":"\\u0000"}', 'U+0000'],
    ['{"a":"\\ud800"}', 'lone surrogate'],
    [`{"a":${'['.repeat(twinBounds.depth)}${']'.repeat(twinBounds.depth)}}`, 'nested deeper than 16'],
    [`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 'nested deeper than 16'],
  ])('%s is refused in words', (text, words) => {
    const answer = read(text);
    expect('problem' in answer && answer.problem).toContain(words);
  });

  it('holds 256 KB exactly', () => {
    const fits = { a: 'x'.repeat(twinBounds.bytes - 8) };
    expect(documentProblem(fits)).toBeUndefined();
    expect(documentProblem({ a: `${fits.a}x` })).toContain('allowed are 262144');
    expect(readReport(Buffer.from('x'.repeat(twinBounds.bytes + 1)))).toMatchObject({ reason: 'too-large' });
  });
});

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
