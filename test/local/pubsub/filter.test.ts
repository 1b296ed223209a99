import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseFilter } from '../../../runtime/local/pubsub/filter.ts';

const matches = (filter: string, attributes: Record<string, string>): boolean =>
  parseFilter(filter)(new Map(Object.entries(attributes)));

describe('filters', () => {
  it.each([
    ['attributes:k', { k: '' }, true],
    ['attributes:k', {}, false],
    ['attributes.k = "v"', { k: 'v' }, true],
    ['attributes.k="v"', { k: 'V' }, false],
    ['attributes.k = "v"', {}, false],
    ['attributes.k != "v"', { k: 'w' }, true],
    ['attributes.k != "v"', {}, true],
    ['attributes.k != "v"', { k: 'v' }, false],
    ['hasPrefix(attributes.k, "ab")', { k: 'abc' }, true],
    ['hasPrefix(attributes.k, "ab")', { k: 'a' }, false],
    ['hasPrefix(attributes.k, "ab")', {}, false],
    ['NOT attributes:k', {}, true],
    ['-attributes:k', { k: 'v' }, false],
    ['NOT NOT attributes:k', { k: 'v' }, true],
    ['attributes:a AND attributes:b AND NOT attributes:c', { a: '', b: '' }, true],
    ['attributes:a AND attributes:b', { a: '' }, false],
    ['attributes:a OR attributes:b', { b: '' }, true],
    ['attributes:a AND (attributes:b OR attributes:c)', { a: '', c: '' }, true],
    ['NOT (attributes:a OR attributes:b)', { b: '' }, false],
    ['attributes."iana.org/lang" = "en"', { 'iana.org/lang': 'en' }, true],
    ['attributes:"a b"', { 'a b': '' }, true],
    ['attributes.ce-type = "x"', { 'ce-type': 'x' }, true],
    ['attributes.k = "a\\"b\\\\"', { k: 'a"b\\' }, true],
    ['  attributes : k  ', { k: '' }, true],
  ])('%s on %o is %s', (filter, attributes, expected) => {
    expect(matches(filter, attributes)).toBe(expected);
  });

  it.each([
    ['attributes', /expected \./],
    ['attributes.k', /expected = or !=/],
    ['attributes.k == "v"', /expected a string/],
    ['attributes.k = v', /expected a string/],
    ['attributes:a AND', /found the end/],
    ['attributes:a attributes:b', /expected AND, OR or the end/],
    ['attributes:a AND attributes:b OR attributes:c', /mixed with parentheses/],
    ['attributes:a OR attributes:b AND attributes:c', /mixed with parentheses/],
    ['(attributes:a', /expected \)/],
    ['attributes:a)', /expected AND, OR or the end/],
    ['attributes:a and attributes:b', /expected AND, OR or the end/],
    ['data = "x"', /expected attributes/],
    ['hasPrefix(attributes:k, "a")', /expected \./],
    ['attributes.k = "v', /unexpected character/],
    ['attributes.k = "\\q"', /unknown escape/],
    ['attributes.k > "v"', /unexpected character/],
    ['', /found the end/],
    [`attributes:${'k'.repeat(250)}`, /at most 256/],
  ])('refuses %s', (filter, reason) => {
    expect(() => parseFilter(filter)).toThrow(reason);
    expect(() => parseFilter(filter)).toThrow(expect.objectContaining({ code: 3 }));
  });

  it('says what the expression says, whatever its shape', () => {
    type Node = { text: string; value: (attributes: ReadonlySet<string>) => boolean };
    const leaf = fc
      .constantFrom('a', 'b', 'c')
      .map((key): Node => ({ text: `attributes:${key}`, value: (set) => set.has(key) }));
    const { node } = fc.letrec<{ node: Node }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        leaf,
        tie('node').map((one): Node => ({ text: `NOT (${one.text})`, value: (set) => !one.value(set) })),
        fc.tuple(tie('node'), tie('node')).map(
          ([x, y]): Node => ({
            text: `(${x.text}) AND (${y.text})`,
            value: (set) => x.value(set) && y.value(set),
          }),
        ),
        fc.tuple(tie('node'), tie('node')).map(
          ([x, y]): Node => ({
            text: `(${x.text}) OR (${y.text})`,
            value: (set) => x.value(set) || y.value(set),
          }),
        ),
      ),
    }));
    fc.assert(
      fc.property(node, fc.subarray(['a', 'b', 'c']), ({ text, value }, present) => {
        fc.pre(text.length <= 256);
        expect(matches(text, Object.fromEntries(present.map((key) => [key, 'x'])))).toBe(value(new Set(present)));
      }),
    );
  });
});
