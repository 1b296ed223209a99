import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { type Bus, DurableWrite, HeldTooLongError } from '../../runtime/gateway/durable-write.ts';
import { BusAwayError, MessageRefusedError, type OutgoingMessage } from '../../runtime/platform/bus/publisher.ts';

type Answer = (error: Error | null) => void;
let open: DurableWrite[] = [];
afterEach(() => {
  for (const writes of open.splice(0)) writes.stop();
  open = [];
});

function harness(withSpill: boolean) {
  const clock = { now: 0 };
  const toBus: Answer[] = [];
  const toSpill: Answer[] = [];
  const bus: { state: Bus['state'] } & Bus = {
    state: 'up',
    enqueue: (_message, done) => void toBus.push((error) => done(error, '')),
  };
  const spill = withSpill ? { append: (_m: OutgoingMessage, done: Answer) => void toSpill.push(done) } : undefined;
  const writes = new DurableWrite(bus, spill, () => clock.now);
  open.push(writes);
  const results: (Error | null)[] = [];
  const write = (budgetMs = 5_000) =>
    writes.write({ data: Buffer.alloc(10), attributes: {} }, budgetMs, (error) => results.push(error));
  return { clock, bus, toBus, toSpill, writes, results, write };
}
const away = () => new BusAwayError('away');

test('durable in the bus: answered, and nothing is held any more', () => {
  const { toBus, writes, results, write } = harness(false);
  write();
  expect([writes.heldMessages, writes.heldBytes]).toEqual([1, 10]);
  expect(results).toEqual([]);
  toBus[0]?.(null);
  expect(results).toEqual([null]);
  expect([writes.heldMessages, writes.heldBytes]).toEqual([0, 0]);
});

test('without a spill log: held, tried again one at a time while away, all when up', () => {
  const { bus, toBus, writes, results, write } = harness(false);
  for (let i = 0; i < 5; i++) write();
  for (const answer of toBus.splice(0)) answer(away());
  bus.state = 'away';
  writes.tick();
  expect(toBus).toHaveLength(1);
  toBus.shift()?.(null);
  bus.state = 'up';
  writes.tick();
  expect(toBus).toHaveLength(4);
  for (const answer of toBus.splice(0)) answer(null);
  expect(results).toEqual([null, null, null, null, null]);
});

test('over its budget it fails; a late answer of the bus changes nothing', () => {
  const { clock, toBus, writes, results, write } = harness(false);
  write(1_000);
  write(9_000);
  clock.now = 999;
  writes.tick();
  expect(results).toEqual([]);
  clock.now = 1_000;
  writes.tick();
  expect(results).toEqual([expect.any(HeldTooLongError)]);
  toBus[0]?.(null);
  expect(results).toHaveLength(1);
  expect(writes.heldMessages).toBe(1);
});

test('with a spill log: away is spilled at once, a silent bus at the end of the budget, both answered once', () => {
  const { clock, bus, toBus, toSpill, writes, results, write } = harness(true);
  write();
  clock.now = 5_000;
  writes.tick();
  expect([toBus.length, toSpill.length]).toEqual([1, 1]);
  writes.tick();
  expect(toSpill).toHaveLength(1);
  toSpill[0]?.(null);
  toBus[0]?.(null);
  expect(results).toEqual([null]);
  bus.state = 'away';
  write();
  expect([toBus.length, toSpill.length]).toEqual([1, 2]);
  toSpill[1]?.(null);
  expect(results).toEqual([null, null]);
});

test('with a spill log: what is on its way when the bus stops answering is spilled before its budget', () => {
  const { clock, bus, toSpill, writes, results, write } = harness(true);
  write(9_000);
  bus.state = 'away';
  clock.now = 1_500;
  writes.tick();
  toSpill[0]?.(null);
  expect(results).toEqual([null]);
});

test('a full spill log: held like without one', () => {
  const { clock, bus, toSpill, writes, results, write } = harness(true);
  bus.state = 'away';
  write(1_000);
  toSpill[0]?.(new Error('full'));
  expect(results).toEqual([]);
  clock.now = 1_000;
  writes.tick();
  for (const answer of toSpill.splice(1)) answer(new Error('full'));
  expect(results).toEqual([expect.any(HeldTooLongError)]);
});

test('refused by the bus: an error at once, never the spill log', () => {
  const { toBus, toSpill, results, write } = harness(true);
  write();
  toBus[0]?.(new MessageRefusedError('no'));
  expect(results).toEqual([expect.any(MessageRefusedError)]);
  expect(toSpill).toHaveLength(0);
});

test('whatever happens in whatever order: one answer each, success only after a store said so', () => {
  const step = fc.constantFrom('write', 'bus ok', 'bus away', 'spill ok', 'spill full', 'up', 'down', 'time', 'tick');
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 80 }), (withSpill, steps) => {
      const { clock, bus, toBus, toSpill, writes, results, write } = harness(withSpill);
      let [written, confirmed] = [0, 0];
      for (const s of steps) {
        if (s === 'write') {
          written++;
          write(1_000);
        } else if (s === 'up' || s === 'down') bus.state = s === 'up' ? 'up' : 'away';
        else if (s === 'time') clock.now += 400;
        else if (s === 'tick') writes.tick();
        else {
          const answer = (s.startsWith('bus') ? toBus : toSpill).shift();
          if (answer === undefined) continue;
          if (s.endsWith('ok')) confirmed++;
          answer(s.endsWith('ok') ? null : s === 'bus away' ? away() : new Error('full'));
        }
        expect(results.filter((r) => r === null).length).toBeLessThanOrEqual(confirmed);
        expect(results.length + writes.heldMessages).toBe(written);
        expect(writes.heldBytes).toBe(writes.heldMessages * 10);
      }
      clock.now += 10_000;
      for (let i = 0; i < 5 && writes.heldMessages > 0; i++) {
        writes.tick();
        for (const answer of [...toBus.splice(0), ...toSpill.splice(0)]) answer(new Error('gone'));
      }
      expect(results).toHaveLength(written);
    }),
    { numRuns: 500 },
  );
});

test('a slow bus: no more is read than it takes in a second; an outage is not overload', () => {
  const { bus, toBus, writes, write } = harness(false);
  for (let i = 0; i < 2_000; i++) write();
  expect(writes.overloaded).toBe(false);
  write();
  expect(writes.overloaded).toBe(true);
  bus.state = 'away';
  expect(writes.overloaded).toBe(false);
  bus.state = 'up';
  for (const answer of toBus.splice(0)) answer(null);
  expect(writes.overloaded).toBe(false);
  // 1,000 messages in each 100 ms: 10,000 may be held, where 2,000 were before.
  for (let tick = 0; tick < 60; tick++) {
    for (let i = 0; i < 1_000; i++) write();
    for (const answer of toBus.splice(0)) answer(null);
    writes.tick();
  }
  for (let i = 0; i < 9_900; i++) write();
  expect(writes.overloaded).toBe(false);
  for (let i = 0; i < 101; i++) write();
  expect(writes.overloaded).toBe(true);
  for (let tick = 0; tick < 60; tick++) writes.tick(); // nothing is stored any more
  for (const answer of toBus.splice(0, 8_000)) answer(null);
  expect(writes.overloaded).toBe(true);
});
