import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  TicketKeys,
  ticketKey,
  ticketPeriodMs,
  ticketPeriodsKept,
  ticketSeconds,
} from '../../runtime/gateway/ticket-keys.ts';

const secret = (text: string) => createHash('sha256').update(text).digest();
const hour = ticketPeriodMs;
const noon = 490_000 * hour;

test('two processes with one secret make the same keys; another secret and another hour make others', () => {
  const [a, b] = [new TicketKeys(secret('one')), new TicketKeys(secret('one'))];
  expect(a.current(noon)).toEqual(b.current(noon + hour - 1));
  expect(a.current(noon + hour).name.equals(a.current(noon).name)).toBe(false);
  expect(a.current(noon).aes.equals(a.current(noon + hour).aes)).toBe(false);
  expect(a.named(new TicketKeys(secret('two')).current(noon).name, noon)).toBeUndefined();
});

test.each([
  ['of the hour', 0, true],
  ['one hour old', 1, true],
  ['two hours old', 2, true],
  ['three hours old', 3, false],
  ['of a pod whose clock is an hour ahead', -1, true],
  ['two hours ahead', -2, false],
])('a key %s', (_, hours, expected) => {
  const keys = new TicketKeys(secret('one'));
  const { name } = ticketKey(secret('one'), noon / hour - hours);
  const found = keys.named(name, noon);
  expect(found?.name.equals(name) ?? false).toBe(expected);
});

test('what was sealed at any time opens for two hours after, whatever the order of looks, and never after three', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5 * hour), fc.nat(5 * hour)), { maxLength: 30 }), (times) => {
      const keys = new TicketKeys(secret('one'));
      for (const [sealed, later] of times) {
        const { name } = keys.current(noon + sealed);
        const found = keys.named(name, noon + sealed + later);
        if (later <= ticketPeriodsKept * hour) expect(found?.name.equals(name)).toBe(true);
        if (later >= ticketSeconds * 1_000) expect(found).toBeUndefined();
      }
    }),
  );
});

test('parts of a key have the sizes that OpenSSL takes, and no two are alike', () => {
  const { name, aes, hmac } = ticketKey(secret('one'), 1);
  expect([name.length, aes.length, hmac.length]).toEqual([16, 16, 32]);
  expect(new Set([name, aes, hmac.subarray(0, 16), hmac.subarray(16)].map((part) => part.toString('hex'))).size).toBe(
    4,
  );
});
