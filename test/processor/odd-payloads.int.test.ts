import { encode } from 'cbor-x';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Processor } from '../../runtime/processor/processor.ts';
import { newMessageId, type Stand, stand, until } from './harness.ts';

let s: Stand;
let processor: Processor | undefined;
beforeAll(async () => {
  s = await stand();
});
afterAll(async () => {
  await processor?.stop(5_000);
  await s?.stop();
});

/** Text that has broken somebody's parser, escape or index. */
const oddText = fc.constantFrom(
  '',
  '\u0000',
  '\n',
  '\\N',
  '\ud800',
  '\u2028',
  '😀'.repeat(600),
  'x'.repeat(2_000),
  "'; drop table readings; --",
  '{"x":1}',
);
const oddName = fc.constantFrom(
  't',
  'a.b',
  '__proto__',
  'constructor',
  'toString',
  '',
  'é',
  'x'.repeat(65),
  'ts',
  'values',
);
const oddNumber = fc.constantFrom(
  '0',
  '-0',
  '1e400',
  '-1e308',
  '5e-324',
  '9007199254740993',
  'NaN',
  '0x10',
  '1.',
  `1${'0'.repeat(300)}`,
);
const oddValue = fc.oneof(
  oddNumber,
  oddText.map((text) => JSON.stringify(text)),
  fc.constantFrom('true', 'null', '[]', '{"a":1}', '[[[[[[[1]]]]]]]', '"\\ud800"', '"\\u0000"'),
);
const oddTime = fc.constantFrom(
  '0',
  '-1',
  '1.5',
  '1e300',
  '9007199254740992',
  '"now"',
  'null',
  '"2026-02-30T00:00:00Z"',
  '253402214400000',
  '[]',
);
const metrics = fc
  .array(fc.tuple(oddName, oddValue), { maxLength: 4 })
  .map((entries) => `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`);
const reading = fc.oneof(
  metrics,
  // A number of its own: the same refused reading again would be the same dead letter.
  fc.tuple(oddTime, fc.nat()).map(([ts, seq]) => `{"ts":${ts},"seq":${seq},"values":{"t":1}}`),
  fc.tuple(oddTime, metrics).map(([ts, values]) => `{"ts":${ts},"values":${values}}`),
  metrics.map((values) => `{"seq":1e400,"values":${values}}`),
  fc.constantFrom('7', 'null', '{"values":[]}', '{"__proto__":{"values":{"t":1}}}'),
);
const text = fc.oneof(
  reading,
  fc.array(reading, { maxLength: 5 }).map((all) => `[${all.join(',')}]`),
  fc.constantFrom(
    '{',
    '[1,',
    '\ufeff{"t":1}',
    '{"t":1}{"t":2}',
    `{"t":${'['.repeat(9_000)}${']'.repeat(9_000)}}`,
    `${'['.repeat(120_000)}`,
  ),
);
const payload = fc.oneof(
  text.map((json) => Buffer.from(json)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  // CBOR heads that promise more than follows.
  fc
    .tuple(fc.constantFrom(0x9f, 0xbf, 0x9b, 0xbb, 0xd9, 0xa1), fc.uint8Array({ maxLength: 60 }))
    .map(([head, rest]) => Buffer.from([head, ...rest])),
  fc
    .constantFrom<unknown>(
      { t: Number.NaN },
      { values: { t: Number.POSITIVE_INFINITY } },
      new Map([[1, 2]]),
      [new Set([1])],
      { t: 2n ** 64n - 1n },
    )
    .map((value) => encode(value)),
  // A true message with one byte changed.
  fc.tuple(text, fc.nat(), fc.nat({ max: 255 })).map(([json, at, byte]) => {
    const bytes = Buffer.from(json);
    if (bytes.length > 0) bytes[at % bytes.length] = byte;
    return bytes;
  }),
);

test('1,500 odd payloads: each becomes rows or dead letters, none is stuck, and a good one after them is stored', async () => {
  const namespace = await s.namespace();
  const device = await s.device();
  const { pool } = s.shards.poolFor('main', device);
  processor = s.start(namespace);
  const messages = fc
    .sample(payload, { numRuns: 1_500, seed: 11 })
    // An empty array is a message of no readings: nothing is owed for it.
    .filter((body) => body.length > 0 && !/^\s*\[\s*\]\s*$/.test(body.toString()) && !body.equals(Buffer.from([0x80])))
    .map((body) => ({ device, body, message: newMessageId() }));
  expect(messages.length).toBeGreaterThan(1_300);
  await s.publish(namespace, messages);
  const good = newMessageId();
  await s.publish(namespace, [{ device, body: { t: 21.5 }, message: good }]);

  const settled = async () => {
    const { rows } = await pool.query<{ message: string }>(
      'select message from readings where device_id = $1 union select message from dead_letters where device_id = $1',
      [device],
    );
    return new Set(rows.map((row) => row.message));
  };
  await until('all acknowledged', async () => (await settled()).has(good) && processor?.status().held === 0);
  const done = await settled();
  const stuck = messages
    .filter(({ message }) => !done.has(message))
    .map(({ body }) => body.toString('latin1').slice(0, 80));
  expect(stuck).toEqual([]);
  const { rows: reasons } = await pool.query<{ reason: string }>(
    'select distinct reason from dead_letters where device_id = $1',
    [device],
  );
  // `rejected` would be a row that only Postgres refused, `delivery-attempts` one that nobody could read.
  expect(reasons.map((row) => row.reason).sort()).toEqual(['clock', 'malformed', 'too-large']);
});
