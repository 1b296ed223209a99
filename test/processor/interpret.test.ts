import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DeviceType, genericDeviceType } from '../../runtime/contracts/device-type.ts';
import { readAttributes } from '../../runtime/processor/attributes.ts';
import { compileType } from '../../runtime/processor/device-type.ts';
import { stampedSeq } from '../../runtime/processor/identity.ts';
import { type Incoming, interpret } from '../../runtime/processor/interpret.ts';
import { newestRows } from '../../runtime/processor/newest.ts';

const received = 1_790_000_000_000;
const retention = 30 * 86_400_000;
const generic = compileType(genericDeviceType, 1);
const incoming = (body: unknown): Incoming => ({
  tenant: 'main',
  device: 'dev-1',
  kind: 'events',
  subfolder: '',
  message: 'a'.repeat(32),
  received,
  data: Buffer.from(JSON.stringify(body)),
});
const type = (definition: object) => compileType(DeviceType.parse({ id: 'kind', metrics: {}, ...definition }), 1);

test.each([
  ['exactly the retention old', -retention, 'row'],
  ['older than the retention', -retention - 1, 'clock'],
  ['five minutes ahead', 300_000, 'row'],
  ['more than five minutes ahead', 300_001, 'clock'],
])('accept window: %s', (_name, offset, expected) => {
  const { rows, deadLetters } = interpret(incoming({ ts: received + offset, values: { t: 1 } }), generic, retention);
  expect(rows.length === 1 ? 'row' : deadLetters[0]?.reason).toBe(expected);
});

test('each reading of a message becomes exactly one row or one dead letter, the same ones each time', () => {
  const part = fc.oneof(
    fc.record({
      ts: fc.integer({ min: received - retention - 10, max: received + 300_010 }),
      values: fc.record({ t: fc.double() }),
    }),
    fc.record({ t: fc.integer() }),
    fc.constant(7),
    fc.record({ ts: fc.string(), values: fc.record({ t: fc.integer() }) }),
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 30 }), (body) => {
      const first = interpret(incoming(body), generic, retention);
      expect(first.rows.length + first.deadLetters.length).toBe(body.length);
      expect(interpret(incoming(body), generic, retention)).toEqual(first);
      expect(new Set(first.deadLetters.map((d) => d.id)).size).toBe(first.deadLetters.length);
    }),
  );
});

test.each([
  [
    'a transform over what was sent',
    { transform: { c: '(values.f - 32.0) / 1.8' }, drop: ['f'] },
    { f: 212 },
    { c: 100 },
  ],
  ['whole literals', { transform: { c: 'values.f * 2 + 1' } }, { f: 1.5 }, { f: 1.5, c: 4 }],
  ['a text by condition', { transform: { s: 'values.t > 30.0 ? "hot" : "ok"' } }, { t: 31 }, { t: 31, s: 'hot' }],
  ['a default for a metric not sent', { transform: { b: 'has(values.b) ? values.b : 0.0' } }, { t: 1 }, { t: 1, b: 0 }],
  ['a metric that the expression needs is missing', { transform: { c: 'values.f * 2.0' } }, { t: 1 }, 'transform'],
  ['division by nothing', { transform: { c: '1.0 / values.t' } }, { t: 0 }, 'transform'],
  ['text in a sum', { transform: { c: 'values.t * 2.0' } }, { t: 'x' }, 'transform'],
  ['an expression that does not compile', { transform: { c: 'values.t +' } }, { t: 1 }, 'transform'],
  ['a backtracking expression', { transform: { c: 'values.t.matches("(a+)+$")' } }, { t: 'a' }, 'transform'],
  ['a list macro', { transform: { c: '[1, 2].map(x, x * 2).size()' } }, { t: 1 }, 'transform'],
  ['a list as result', { transform: { c: '[1.0]' } }, { t: 1 }, 'transform'],
  ['a text that grows', { transform: { c: 'values.t + values.t' } }, { t: 'x'.repeat(800) }, 'transform'],
  ['a text with NUL', { transform: { c: '"a\\u0000"' } }, { t: 1 }, 'transform'],
  ['half an emoji', { transform: { c: 'values.t.substring(0, 1)' } }, { t: '😀' }, 'transform'],
  [
    'more metrics than a reading may have',
    { transform: Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`m${i}`, '1'])) },
    { t: 1 },
    'too-large',
  ],
  [
    'optional and absent, with an inherited name',
    { metrics: { toString: { type: 'number' }, constructor: { type: 'string' } } },
    { u: 1 },
    { u: 1 },
  ],
  ['missing, with an inherited name', { metrics: { valueOf: { type: 'number', required: true } } }, { u: 1 }, 'schema'],
  [
    'schema after the transform',
    { metrics: { c: { type: 'number', max: 50 } }, transform: { c: 'values.f / 2.0' } },
    { f: 102 },
    'schema',
  ],
  ['too small', { metrics: { t: { type: 'number', min: 0 } } }, { t: -1 }, 'schema'],
  ['integer', { metrics: { t: { type: 'integer' } } }, { t: 1.5 }, 'schema'],
  ['boolean', { metrics: { t: { type: 'boolean' } } }, { t: 1 }, 'schema'],
  ['long text', { metrics: { t: { type: 'string', maxLength: 2 } } }, { t: 'abc' }, 'schema'],
  ['missing', { metrics: { t: { type: 'number', required: true } } }, { u: 1 }, 'schema'],
  ['not of the type', { metrics: { t: { type: 'number' } }, additionalMetrics: false }, { u: 1 }, 'schema'],
  ['optional and absent', { metrics: { t: { type: 'number' } } }, { u: 1 }, { u: 1 }],
])('type: %s', (_name, definition, values, expected) => {
  const { rows, deadLetters } = interpret(incoming(values), type(definition), retention);
  expect(rows[0] === undefined ? deadLetters[0]?.reason : JSON.parse(rows[0].json)).toEqual(expected);
});

test('the newest row of a device is by time, then number, whatever the order; a doubtful device is left out', () => {
  const row = fc.record({ ts: fc.integer({ min: 0, max: 5 }), seq: fc.nat(3), device: fc.constantFrom('a', 'b', 'c') });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1 }), (list) => {
      const rows = list.map((r, index) => ({
        ...r,
        tenant: 'main',
        json: '{}',
        message: '',
        received: 0,
        index,
        stamped: false,
        subfolder: '',
      }));
      const newest = newestRows(
        rows,
        rows.filter((r) => r.device === 'c'),
      );
      expect(newest.some((r) => r.device === 'c')).toBe(false);
      for (const one of newest)
        for (const other of rows)
          if (other.device === one.device) expect(other.ts * 10 + other.seq).toBeLessThanOrEqual(one.ts * 10 + one.seq);
    }),
  );
});

test('a stamped number is stable, safe, and its own for each place of each message', () => {
  const seqs = ['a'.repeat(32), 'b'.repeat(32)].flatMap((m) => [0, 1, 999].map((i) => stampedSeq(m, i)));
  expect(new Set(seqs).size).toBe(6);
  expect(seqs.every((n) => Number.isSafeInteger(n) && n > 1_000)).toBe(true);
  expect(stampedSeq('a'.repeat(32), 7)).toBe(stampedSeq('a'.repeat(32), 7));
});

const attributes = {
  v: '1',
  tenant: 'main',
  device: 'dev-1',
  kind: 'events',
  message: 'a'.repeat(32),
  received: '1790000000000',
};
test.each([
  ['good', {}, true],
  ['another version', { v: '2' }, false],
  ['a line break in the device', { device: 'dev\n1' }, false],
  ['no tenant', { tenant: '' }, false],
  ['an id that is none', { message: 'x' }, false],
  ['a time that is none', { received: 'now' }, false],
  ['a subfolder with a line break', { subfolder: 'a\nb' }, false],
])('attributes: %s', (_name, change, good) => {
  expect(typeof readAttributes({ attributes: { ...attributes, ...change }, data: Buffer.alloc(0) }) === 'object').toBe(
    good,
  );
});

test('a type has at most 64 expressions', () => {
  const transform = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, '1']));
  expect(DeviceType.safeParse({ id: 'kind', metrics: {}, transform: transform(64) }).success).toBe(true);
  expect(DeviceType.safeParse({ id: 'kind', metrics: {}, transform: transform(65) }).success).toBe(false);
});

test('a transform cannot blow a message up beyond its bound', () => {
  const transform = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`m${i}`, 'values.t']));
  const body = Array.from({ length: 200 }, () => ({ t: 'x'.repeat(1_000) }));
  const { rows, deadLetters } = interpret(incoming(body), type({ transform }), retention);
  expect(rows.length).toBeLessThan(20);
  expect(deadLetters.every((letter) => letter.reason === 'too-large')).toBe(true);
  expect(rows.length + deadLetters.length).toBe(200);
});
