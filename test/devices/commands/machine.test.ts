import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { isOpen } from '../../../runtime/contracts/commands.ts';
import { type CommandEvent, type CommandState, step } from '../../../runtime/devices/commands/machine.ts';

const fresh: CommandState = {
  status: 'queued',
  deadline: 1_000,
  attempts: 0,
  sentAt: null,
  connection: null,
  acknowledgedAt: null,
  finishedAt: null,
  result: null,
  late: null,
};
const ok = (at: number): CommandEvent => ({ type: 'result', status: 'succeeded', result: { at }, at });

function after(events: [CommandEvent, number][]): CommandState {
  return events.reduce((state, [event, now]) => {
    const next = step(state, event, now);
    return typeof next === 'string' ? state : next;
  }, fresh);
}

test.each<[string, [CommandEvent, number][], Partial<CommandState>]>([
  ['sent', [[{ type: 'sent', connection: 5 }, 10]], { status: 'sent', attempts: 1, sentAt: 10, connection: 5 }],
  [
    'sent again on a newer connection',
    [
      [{ type: 'sent', connection: 5 }, 10],
      [{ type: 'sent', connection: 6 }, 20],
    ],
    { status: 'sent', attempts: 2, sentAt: 20, connection: 6 },
  ],
  [
    'not given to an older connection',
    [
      [{ type: 'sent', connection: 6 }, 10],
      [{ type: 'sent', connection: 5 }, 20],
    ],
    { attempts: 1, connection: 6 },
  ],
  ['confirmed', [[{ type: 'received' }, 30]], { status: 'acknowledged', acknowledgedAt: 30 }],
  [
    'answered before its PUBACK was told',
    [
      [{ type: 'sent', connection: 5 }, 10],
      [ok(20), 25],
      [{ type: 'received' }, 30],
    ],
    { status: 'succeeded', result: { at: 20 }, finishedAt: 25, acknowledgedAt: 25 },
  ],
  [
    'answered twice: the first answer stays',
    [
      [ok(20), 25],
      [{ type: 'result', status: 'failed', result: 'no', at: 30 }, 35],
    ],
    { status: 'succeeded', result: { at: 20 }, late: null },
  ],
  ['answered in time, read after the deadline', [[ok(1_000), 1_500]], { status: 'succeeded' }],
  [
    'answered too late',
    [[ok(1_001), 1_002]],
    { status: 'expired', result: null, late: { status: 'succeeded', result: { at: 1_001 }, at: 1_001 } },
  ],
  [
    'answered after it was cancelled',
    [
      [{ type: 'cancel' }, 10],
      [ok(20), 20],
      [ok(30), 30],
    ],
    { status: 'cancelled', late: { status: 'succeeded', result: { at: 20 }, at: 20 } },
  ],
  ['not expired early', [[{ type: 'expire' }, 999]], { status: 'queued' }],
  ['expired', [[{ type: 'expire' }, 1_000]], { status: 'expired', finishedAt: 1_000 }],
  ['not sent after its deadline', [[{ type: 'sent', connection: 5 }, 1_000]], { status: 'queued', attempts: 0 }],
])('a command that is %s', (_, events, expected) => {
  expect(after(events)).toMatchObject(expected);
});

describe('whatever happens, in whatever order', () => {
  const event = fc.oneof<fc.Arbitrary<CommandEvent>[]>(
    fc.record({ type: fc.constant('sent' as const), connection: fc.integer({ min: 1, max: 4 }) }),
    fc.constant({ type: 'received' as const }),
    fc.record({
      type: fc.constant('result' as const),
      status: fc.constantFrom('succeeded' as const, 'failed' as const),
      result: fc.integer(),
      at: fc.integer({ min: 0, max: 2_000 }),
    }),
    fc.constant({ type: 'cancel' as const }),
    fc.constant({ type: 'expire' as const }),
  );
  const history = fc.array(fc.tuple(event, fc.integer({ min: 0, max: 2_000 })), { maxLength: 12 });

  it('what is final stays, with its result; only a late answer is added, once', () => {
    fc.assert(
      fc.property(history, (events) => {
        let state = fresh;
        for (const [one, now] of events) {
          const next = step(state, one, now);
          if (typeof next === 'string') continue;
          if (!isOpen(state.status)) {
            expect(next).toEqual({ ...state, late: next.late });
            expect(state.late).toBeNull();
            expect(['expired', 'cancelled']).toContain(state.status);
          }
          state = next;
        }
        expect(state.finishedAt !== null).toBe(!isOpen(state.status));
      }),
    );
  });

  it('attempts and connections only rise, and a redelivered event changes nothing but attempts', () => {
    fc.assert(
      fc.property(history, (events) => {
        let state = fresh;
        for (const [one, now] of events) {
          const next = step(state, one, now);
          if (typeof next === 'string') continue;
          expect(next.attempts - state.attempts).toBe(one.type === 'sent' ? 1 : 0);
          expect(next.connection ?? 0).toBeGreaterThanOrEqual(state.connection ?? 0);
          if (one.type !== 'sent') expect(typeof step(next, one, now)).toBe('string');
          state = next;
        }
      }),
    );
  });
});
