import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shareOf } from '../../runtime/devices/tenant-usage.ts';
import { TenantUse, TenantUses } from '../../runtime/gateway/tenant-use.ts';

const minute = 60_000;

test('over any time a tenant takes in at most its share and two seconds of it, and what is over is only late', () => {
  const waits = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), waits, (share, gaps) => {
      const use = new TenantUse(0);
      use.setShare(share, 0);
      let [now, taken] = [0, 0];
      for (const gap of gaps) {
        now += gap;
        if (!use.mayRead(now)) continue;
        use.took(now);
        taken++;
      }
      // A message may be taken on a part of a token: the debt is paid before the next.
      return taken <= share * 2 + (share * now) / 1_000 + 1;
    }),
  );
});

test('without a share everything is read and counted', () => {
  const use = new TenantUse(0);
  for (let n = 0; n < 1_000; n++) use.took(n);
  expect([use.mayRead(1_000), use.minutes(1_000)]).toEqual([true, [{ minute: 0, messages: 1_000, throttledMs: 0 }]]);
});

test('time in debt is counted in the minute that it was in, and a minute is told until the service has it', () => {
  const use = new TenantUse(0);
  use.setShare(1, 0);
  for (let n = 0; n < 12; n++) use.took(59_000); // two saved, ten owed
  expect(use.mayRead(59_000)).toBe(false);
  expect(use.mayRead(62_000)).toBe(false);
  expect(use.minutes(62_000)).toEqual([
    { minute: 0, messages: 12, throttledMs: 3_000 },
    { minute, messages: 0, throttledMs: 0 },
  ]);
  use.told(minute);
  expect(use.mayRead(70_000)).toBe(true);
  expect(use.minutes(70_000)).toEqual([{ minute, messages: 0, throttledMs: 8_000 }]);
});

test('a quota that is taken away lets everything through again', () => {
  const uses = new TenantUses();
  uses.setShares(new Map([['acme', 1]]), 0);
  const use = uses.of('acme', 0);
  for (let n = 0; n < 50; n++) use.took(0);
  expect([use.mayRead(1_000), uses.throttled(1_000), uses.of('main', 0).mayRead(1_000)]).toEqual([false, 1, true]);
  uses.setShares(new Map(), 2_000);
  expect([use.mayRead(2_000), uses.throttled(2_000), uses.throttledMs(2_000)]).toEqual([true, 0, 1_000]);
});

test.each([
  ['alone', [100, 10, 10, 1], 100],
  ['a third of the connections', [90, 1, 3, 3], 30],
  ['nobody is connected yet: an even part', [100, 0, 0, 4], 25],
  ['nobody here, others elsewhere: still one, so that a first device is heard', [100, 0, 5, 2], 1],
  ['a small quota over many gateways', [1, 1, 50, 50], 1],
] as const)('share of a quota, %s', (_, [quota, own, all, gateways], share) => {
  expect(shareOf(quota, own, all, gateways)).toBe(share);
});
