import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { commandBounds } from '../../runtime/contracts/commands.ts';
import { AckOrder } from '../../runtime/gateway/ack-order.ts';
import { listensTo } from '../../runtime/gateway/delivery.ts';
import { answered, newDeliveryState, overdue, resendMs, room, want } from '../../runtime/gateway/delivery-state.ts';

describe('one request at a time for each session', () => {
  it('what comes in while one is under way is asked for once more after it, and never twice at a time', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('word', 'ask', 'answer'), { maxLength: 40 }), (events) => {
        const state = newDeliveryState();
        let queued = 0;
        let underWay = 0;
        let missed = false;
        for (const event of events) {
          if (event === 'word') {
            missed = true;
            if (want(state)) queued++;
          } else if (event === 'ask' && queued > 0) {
            queued--;
            underWay++;
            state.phase = 'asked';
            missed = false;
          } else if (event === 'answer' && underWay > 0) {
            underWay--;
            if (answered(state)) queued++;
          }
          expect(underWay).toBeLessThanOrEqual(1);
          expect(queued).toBeLessThanOrEqual(1);
          // Nothing that came in is forgotten.
          if (missed) expect(queued + (state.phase === 'again' ? 1 : 0)).toBe(1);
        }
      }),
    );
  });
});

test('what is not confirmed takes a place until it is asked for again', () => {
  const state = newDeliveryState();
  for (let n = 0; n < commandBounds.inFlight; n++) state.inFlight.set(`c-${n}`, 1_000 + n);
  expect(room(state)).toBe(0);
  expect(overdue(state, 1_000 + resendMs - 1)).toBe(false);
  expect(overdue(state, 1_000 + resendMs)).toBe(true);
  expect(room(state)).toBe(1);
  state.retryAt = 200_000;
  expect(overdue(state, 100_000)).toBe(true);
  expect([overdue(state, 199_999), overdue(state, 200_000), overdue(state, 200_001)]).toEqual([false, true, false]);
});

test.each([
  [['/devices/a-1/config'], { config: true, commands: false }],
  [['/devices/a-1/commands/#'], { config: false, commands: true }],
  [['/devices/a-1/commands/reboot'], { config: false, commands: true }],
  [['/devices/a-1/+'], { config: true, commands: false }],
  [['/devices/a-1/#'], { config: true, commands: true }],
  [['/devices/a-1/certificates/#'], { config: false, commands: false }],
  [[], { config: false, commands: false }],
])('%j listens to %j', (filters, expected) => {
  expect(listensTo(filters, 'a-1')).toEqual(expected);
});

test('acknowledgements keep their order over two topics, and everything is answered', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('telemetry', 'updates'), { maxLength: 30 }),
      fc.array(fc.nat(), { maxLength: 200 }),
      (topics, picks) => {
        const order = new AckOrder();
        const waiting: Record<string, number[]> = { telemetry: [], updates: [] };
        const answers: number[] = [];
        topics.forEach((topic, n) => {
          order.begin(topic, () => waiting[topic]?.push(n));
        });
        // Each topic answers in its own order, whichever is quicker.
        for (const pick of [...picks, ...Array.from({ length: topics.length * 2 }, (_, n) => n)]) {
          const next = waiting[pick % 2 === 0 ? 'telemetry' : 'updates']?.shift();
          if (next === undefined) continue;
          answers.push(next);
          order.end();
        }
        expect(answers).toEqual(topics.map((_, n) => n));
      },
    ),
  );
});
