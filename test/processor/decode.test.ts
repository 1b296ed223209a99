import { encode } from 'cbor-x';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { telemetryBounds } from '../../runtime/contracts/telemetry.ts';
import { CborError, decodeCbor } from '../../runtime/processor/cbor.ts';
import { decodePayload, readTime } from '../../runtime/processor/decode.ts';

const received = 1_790_000_000_000;
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const decode = (data: Buffer) => decodePayload(data, received);

/** One word for what became of a payload: a reason, or the items' words. */
function outcome(data: Buffer): unknown {
  const decoded = decode(data);
  if ('refusal' in decoded) return decoded.refusal.reason;
  return decoded.items.map((item) =>
    'refusal' in item
      ? item.refusal.reason
      : [item.candidate.ts - received, item.candidate.seq, item.candidate.stamped],
  );
}

describe('shapes', () => {
  test.each([
    ['bare metrics are stamped', { t: 21.5 }, [[0, 0, true]]],
    ['values without ts', { values: { t: 1 } }, [[0, 0, true]]],
    ['ts in milliseconds', { ts: received - 5, values: { t: 1 } }, [[-5, 0, false]]],
    ['ts as RFC 3339', { ts: '2026-09-21T14:13:20.250Z', seq: 3, values: { t: 1 } }, [[250, 3, false]]],
    ['seq without ts', { seq: 9, values: { t: 1 } }, [[0, 9, false]]],
    [
      'an array without ts is told apart by its index',
      [{ t: 1 }, { t: 2 }],
      [
        [0, 0, true],
        [0, 1, true],
      ],
    ],
    ['a bad one among good ones', [{ t: 1 }, 7, { t: 3 }], [[0, 0, true], 'malformed', [0, 2, true]]],
    ['metric called values', { values: 3 }, [[0, 0, true]]],
    ['no reading', [], 'malformed'],
    ['no metric', {}, ['malformed']],
    ['text', 'hello', ['malformed']],
    ['null', null, ['malformed']],
    ['nested metric', { t: { u: 1 } }, ['malformed']],
    ['null metric', { t: null }, ['malformed']],
    ['metric name with a space', { 'a b': 1 }, ['malformed']],
    ['metric name of a prototype', { constructor: 1 }, ['malformed']],
    ['ts beside bare metrics', { ts: received, t: 1 }, ['malformed']],
    ['a stranger beside values', { ts: received, values: { t: 1 }, unit: 'C' }, ['malformed']],
    ['ts with a fraction', { ts: received + 0.5, values: { t: 1 } }, ['malformed']],
    ['negative seq', { ts: received, seq: -1, values: { t: 1 } }, ['malformed']],
    ['NUL in a text', { t: 'a\0' }, ['malformed']],
    ['lone surrogate', { t: '\ud800' }, ['malformed']],
    ['text of 1,025', { t: 'x'.repeat(1_025) }, ['too-large']],
    ['65 metrics', Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`m${i}`, i])), ['too-large']],
    ['1,001 readings', Array.from({ length: 1_001 }, () => ({ t: 1 })), 'too-large'],
  ])('%s', (_name, value, expected) => {
    expect(outcome(json(value))).toEqual(expected);
  });

  test.each([
    ['__proto__ in JSON', Buffer.from('{"__proto__":{"values":{"t":1}}}'), ['malformed']],
    ['a number too large for a double', Buffer.from('{"t":1e400}'), ['malformed']],
    ['broken JSON', Buffer.from('{"t":'), 'malformed'],
    ['nothing', Buffer.alloc(0), 'malformed'],
    ['deep JSON', Buffer.from('['.repeat(100_000) + ']'.repeat(100_000)), 'too-large'],
    ['deep JSON in a metric', Buffer.from(`[{"t":1},{"t":${'['.repeat(100_000)}${']'.repeat(100_000)}}]`), 'too-large'],
    ['JSON as deep as allowed', Buffer.from('{"t":[[[[[1]]]]]}'), ['malformed']],
    ['JSON one deeper', Buffer.from('{"t":[[[[[[1]]]]]]}'), 'too-large'],
    ['too many bytes', Buffer.alloc(telemetryBounds.payloadBytes + 1, 0x20), 'too-large'],
  ])('%s', (_name, data, expected) => {
    expect(outcome(data)).toEqual(expected);
  });
});

test.each([
  ['2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1)],
  ['2026-01-01t01:00:00.5+01:00', Date.UTC(2026, 0, 1, 0, 0, 0, 500)],
  ['2026-02-30T00:00:00Z', undefined],
  ['2026-01-01', undefined],
  ['2026-01-01T00:00:00', undefined],
  ['2026-13-01T00:00:00Z', undefined],
  ['2026-01-01T25:00:00Z', undefined],
  [Number.NaN, undefined],
  [-1, undefined],
  [1e300, undefined],
  [true, undefined],
])('the time %s', (text, expected) => {
  expect(readTime(text)).toBe(expected);
});

const metric = fc
  .stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,10}$/)
  .filter((k) => !['values', 'ts', 'seq', 'constructor', 'prototype', '__proto__'].includes(k));
const scalar = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.boolean(),
  fc.string({ unit: 'grapheme', maxLength: 50 }).filter((s) => !s.includes('\0')),
);
const reading = fc.record({
  ts: fc.integer({ min: 0, max: 4e12 }),
  seq: fc.nat(),
  values: fc.dictionary(metric, scalar, { minKeys: 1, maxKeys: 20, noNullPrototype: true }),
});

test('what an independent encoder writes as CBOR reads like the same thing in JSON', () => {
  fc.assert(
    fc.property(fc.array(reading, { minLength: 1, maxLength: 5 }), (list) => {
      const clean = JSON.parse(JSON.stringify(list));
      const viaJson = decode(json(clean));
      const viaCbor = decode(encode(clean));
      expect(JSON.stringify(viaCbor)).toBe(JSON.stringify(viaJson));
      expect('items' in viaJson && viaJson.items.every((item) => 'candidate' in item)).toBe(true);
    }),
  );
});

test('any bytes give readings or a refusal, never an exception', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(0x9f, 0xa1, 0xbf, 0x82, 0xd9, 0x7b),
      (bytes, first) => {
        decode(Buffer.from([first, ...bytes]));
        decode(Buffer.from(bytes));
      },
    ),
    { numRuns: 2_000 },
  );
});

test.each([
  ['RFC 8949 half float 1.5', 'a16174f93e00', { t: 1.5 }],
  ['half float subnormal', 'a16174f90001', { t: 2 ** -24 }],
  ['single float', 'a16174fa47c35000', { t: 100_000 }],
  ['indefinite map and text', 'bf7f617461ffff', null],
  ['indefinite map', 'bf617401ff', { t: 1 }],
  ['negative integer', 'a161743863', { t: -100 }],
  ['64-bit integer', 'a161741b000000e8d4a51000', { t: 1_000_000_000_000 }],
  ['self-described', 'd9d9f7a1617401', { t: 1 }],
])('CBOR: %s', (_name, hex, expected) => {
  const bytes = Buffer.from(hex, 'hex');
  if (expected === null) expect(() => decodeCbor(bytes)).toThrow(CborError);
  else expect({ ...(decodeCbor(bytes) as object) }).toEqual(expected);
});

test.each([
  ['an array that says it has 2^32 items', '9affffffff'],
  ['a text longer than the message', 'a17affffffff61'],
  ['nested too deep', '81'.repeat(20)],
  ['a number as key', 'a10102'],
  ['the same key twice', 'a2617401617402'],
  ['a byte string', 'a161744101'],
  ['a tag that makes objects', 'd81b81617401'],
  ['bytes left over', 'a161740100'],
])('CBOR refuses %s', (_name, hex) => {
  expect(() => decodeCbor(Buffer.from(hex, 'hex'))).toThrow(CborError);
});
