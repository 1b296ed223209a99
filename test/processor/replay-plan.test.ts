import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { genericDeviceType } from '../../runtime/contracts/device-type.ts';
import { compileType } from '../../runtime/processor/device-type.ts';
import { type DeadLetter, type Incoming, interpret } from '../../runtime/processor/interpret.ts';
import { planReplay, type ReplayedLetter } from '../../runtime/processor/replay-plan.ts';
import { conflictOf } from '../../runtime/processor/store.ts';

const day = 86_400_000;
const retention = 30 * day;
const received = Date.UTC(2026, 10, 22);
const generic = compileType(genericDeviceType, 1);
const strict = compileType({ ...genericDeviceType, metrics: { t: { type: 'number', required: false, max: 100 } } }, 1);
const doubling = compileType({ ...genericDeviceType, transform: { t: 'values.t * 2' } }, 1);

const incoming = (body: unknown): Incoming => ({
  tenant: 'main',
  device: 'dev-1',
  kind: 'events',
  subfolder: '',
  message: 'a'.repeat(32),
  received,
  data: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
});
const letterOf = ({ payload, ...rest }: DeadLetter, data = payload): ReplayedLetter => ({
  ...rest,
  data,
  version: 2,
  attempts: 0,
});
const replay = (letter: ReplayedLetter, type = generic, now = received + 1_000) =>
  planReplay(letter, type, retention, now);
const rowsOf = (plan: ReturnType<typeof planReplay>) => {
  if ('refusal' in plan) throw new Error(plan.refusal.detail);
  return plan.rows;
};

describe('a letter that is replayed', () => {
  test('of a message whose type was mended comes to the rows that the message would have been', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record(
            {
              ts: fc.integer({ min: received - 60_000, max: received }),
              seq: fc.nat(),
              values: fc.record({ t: fc.integer({ min: 101, max: 500 }) }),
            },
            { requiredKeys: ['values'] },
          ),
          { minLength: 1, maxLength: 8 },
        ),
        (body) => {
          const message = incoming(body);
          const { deadLetters } = interpret(message, strict, retention);
          expect(deadLetters).toHaveLength(body.length);
          const again = deadLetters.flatMap((letter) => rowsOf(replay(letterOf(letter))));
          const wanted = interpret(message, generic, retention).rows;
          expect(again).toEqual(wanted);
        },
      ),
    );
  });

  test('keeps the place of a reading without ts, whatever its payload is made to be', () => {
    const [, letter] = interpret(incoming([{ t: 500 }, { t: 600 }]), strict, retention).deadLetters as [
      DeadLetter,
      DeadLetter,
    ];
    for (const edited of ['{"t":6}', '[{"values":{"t":6}}]'])
      expect(rowsOf(replay(letterOf(letter, Buffer.from(edited)), strict))).toMatchObject([
        { ts: received, seq: 1, index: 1, json: '{"t":6}' },
      ]);
  });

  test('after the transform is not transformed again', () => {
    const [row] = interpret(incoming({ ts: received, values: { t: 4 } }), doubling, retention).rows;
    if (row === undefined) throw new Error('no row');
    expect(row.json).toBe('{"t":8}');
    expect(rowsOf(replay(letterOf(conflictOf(row, '{}')), doubling))).toEqual([{ ...row, subfolder: '' }]);
  });

  test('stays what it is when it is one reading and becomes several', () => {
    const [letter] = interpret(incoming({ t: 500 }), strict, retention).deadLetters as [DeadLetter];
    expect(replay(letterOf(letter, Buffer.from('[{"t":1},{"t":2}]')))).toMatchObject({
      refusal: { reason: 'malformed', detail: 'the letter is one reading of a message; its payload has 2' },
    });
  });

  test('is all or nothing: one reading that still fails leaves the whole letter, and says which', () => {
    const [letter] = interpret(incoming('{"t":'), strict, retention).deadLetters as [DeadLetter];
    expect(replay(letterOf(letter, Buffer.from('[{"t":1},{"t":700}]')), strict)).toMatchObject({
      refusal: { reason: 'schema', detail: expect.stringMatching(/^reading 2: /) },
    });
  });

  test('of no device, of a reported state, and of what is older than is kept by now', () => {
    const [letter] = interpret(incoming({ ts: received, values: { t: 500 } }), strict, retention).deadLetters as [
      DeadLetter,
    ];
    expect(planReplay(letterOf(letter), null, retention, received)).toMatchObject({
      refusal: { reason: 'unknown-device' },
    });
    expect(replay(letterOf(letter), generic, received + retention + 1)).toMatchObject({ refusal: { reason: 'clock' } });
    const state = { ...letterOf(letter), kind: 'state' as const, place: -1 };
    expect(replay({ ...state, data: Buffer.from('{"a": 1}') })).toMatchObject({
      refusal: { reason: 'rejected', detail: expect.stringContaining('not replayed') },
    });
  });
});
