import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AlertRule } from '../../runtime/contracts/device-type.ts';
import { type AlertState, byTime, look, lookForSilence, type Seen, silentAt } from '../../runtime/processor/alerts.ts';

const hot: AlertRule = { kind: 'threshold', id: 'hot', metric: 't', operator: '>', value: 30, severity: 'warning' };
const quiet: AlertRule = { kind: 'silence', id: 'quiet', seconds: 60, severity: 'critical' };
const at = (ts: number, t?: number): Seen => ({
  ts,
  seq: 0,
  received: ts + 1,
  values: t === undefined ? { u: 1 } : { t },
});
const words = (changes: { change: string; rule: string }[]) => changes.map((c) => `${c.change} ${c.rule}`);

test.each([
  ['opens once', [at(1, 31), at(2, 32)], ['open hot']],
  ['closes when a later reading is back', [at(1, 31), at(2, 30)], ['open hot', 'close hot']],
  ['a spike within one batch is not lost', [at(1, 20), at(2, 31), at(3, 20)], ['open hot', 'close hot']],
  ['a reading without the metric changes nothing', [at(1, 31), at(2)], ['open hot']],
  ['order of arrival means nothing', [at(3, 20), at(1, 20), at(2, 31)], ['open hot', 'close hot']],
  ['below', [at(1, 30)], []],
])('threshold: %s', (_name, readings, expected) => {
  expect(words(look([hot], undefined, readings).changes)).toEqual(expected);
});

test('an older reading neither opens nor closes', () => {
  const opened = look([hot], undefined, [at(10, 31)]).state;
  expect(look([hot], opened, [at(9, 20)]).changes).toEqual([]);
  const calm = look([hot], undefined, [at(10, 20)]).state;
  expect(look([hot], calm, [at(9, 31)]).changes).toEqual([]);
});

test.each([
  ['>', 1, 0],
  ['>=', 0, -1],
  ['<', -1, 0],
  ['<=', 0, 1],
  ['==', 0, 1],
  ['!=', 1, 0],
] as const)('operator %s', (operator, crossing, not) => {
  const rule: AlertRule = { ...hot, operator, value: 0 };
  expect(look([rule], undefined, [at(1, crossing)]).changes).toHaveLength(1);
  expect(look([rule], undefined, [at(1, not)]).changes).toHaveLength(0);
});

test('silence opens after its time by the gateway clock, once, and any reading closes it', () => {
  const seen = look([quiet], undefined, [at(0)]).state as AlertState;
  expect(silentAt([quiet], seen)).toBe(60_001);
  expect(lookForSilence([quiet], seen, 60_000).changes).toEqual([]);
  const silent = lookForSilence([quiet], seen, 60_001);
  expect(words(silent.changes)).toEqual(['open quiet']);
  expect(silentAt([quiet], silent.state)).toBeNull();
  expect(lookForSilence([quiet], silent.state, 999_999).changes).toEqual([]);
  expect(words(look([quiet], silent.state, [at(70_000)]).changes)).toEqual(['close quiet']);
});

test('a rule that was removed closes its alert', () => {
  const opened = look([hot], undefined, [at(1, 31)]).state;
  expect(words(look([], opened, [at(2, 31)]).changes)).toEqual(['close hot']);
});

test('readings in any pieces, with repeats, open and close as all of them at once', () => {
  const reading = fc.record({ ts: fc.integer({ min: 0, max: 40 }), t: fc.constantFrom(20, 40) });
  fc.assert(
    fc.property(
      fc.uniqueArray(reading, { selector: (r) => r.ts, minLength: 1 }),
      fc.array(fc.nat(10)),
      (list, cuts) => {
        const readings = list.map((r) => at(r.ts, r.t)).sort(byTime);
        const whole = look([hot], undefined, readings);
        let state: AlertState | undefined;
        const changes: { change: string; rule: string }[] = [];
        let from = 0;
        for (const cut of [...cuts, readings.length]) {
          const piece = readings.slice(Math.max(0, from - 2), from + cut); // the two before come again
          from += cut;
          const next = look([hot], state, piece);
          state = next.state;
          changes.push(...next.changes);
        }
        expect(changes).toEqual(whole.changes);
        expect(state?.open).toEqual(whole.state?.open);
      },
    ),
  );
});
