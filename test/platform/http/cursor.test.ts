import { expect, test } from 'vitest';
import { z } from 'zod';
import { decodeCursor, encodeCursor } from '../../../runtime/platform/http/cursor.ts';

const Place = z.strictObject({ id: z.string().max(64), at: z.int().optional() });

test('a cursor comes back as the place it was made of; none is none', () => {
  expect(decodeCursor(Place, encodeCursor({ id: 'é/+%', at: 7 }))).toEqual({ id: 'é/+%', at: 7 });
  expect(decodeCursor(Place, undefined)).toBeUndefined();
});

test.each([
  ['no base64url of JSON', '!!!'],
  ['nothing in it', ''],
  ['another listing\u2019s', encodeCursor({ other: 1 })],
  ['a field too many', encodeCursor({ id: 'a', sql: 'x' })],
  ['U+0000, which Postgres takes in no text', encodeCursor({ id: '\0' })],
  ['a lone surrogate', Buffer.from('{"id":"\\ud800"}').toString('base64url')],
  ['deep', Buffer.from('['.repeat(700)).toString('base64url')],
])('a forged cursor is a 400 that names it: %s', (_name, cursor) => {
  expect(() => decodeCursor(Place, cursor)).toThrow(
    expect.objectContaining({ status: 400, message: expect.stringContaining('query.cursor') }),
  );
});
