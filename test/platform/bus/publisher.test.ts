import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { Breaker, breakerDefaults } from '../../../runtime/platform/bus/breaker.ts';
import {
  BusAwayError,
  MessageRefusedError,
  type OutgoingMessage,
  Publisher,
  type PublisherOptions,
} from '../../../runtime/platform/bus/publisher.ts';

type Call = { messages: OutgoingMessage[]; answer: (ids?: string[]) => void; fail: (code: number) => void };
let publishers: Publisher[] = [];
afterEach(async () => {
  for (const publisher of publishers) publisher.flush().catch(() => undefined);
  publishers = [];
});

/** A publisher whose calls the test answers, with a clock that the test moves. */
function harness(options: Partial<PublisherOptions> = {}) {
  const calls: Call[] = [];
  const clock = { now: 0 };
  const publisher = new Publisher(
    (_topic, messages) =>
      new Promise((resolve, reject) =>
        calls.push({
          messages,
          answer: (ids = messages.map((m) => m.attributes['id'] ?? '')) => resolve(ids),
          fail: (code) => reject(Object.assign(new Error(`code ${code}`), { code })),
        }),
      ),
    { topic: 't', batchMessages: 3, batchMs: 1, now: () => clock.now, random: () => 0, ...options },
  );
  publishers.push(publisher);
  const publish = (id: string, bytes = 1) => publisher.publish(Buffer.alloc(bytes), { id });
  const nextCall = async (index: number): Promise<Call> => {
    while (calls[index] === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
    return calls[index] as Call;
  };
  return { publisher, publish, calls, nextCall, clock };
}

test('a batch leaves at its count at once, a smaller one after its time; each gets its own id', async () => {
  const { publish, calls, nextCall } = harness();
  const three = ['a', 'b', 'c'].map((id) => publish(id));
  expect(calls).toHaveLength(1);
  const one = publish('d');
  expect(calls).toHaveLength(1);
  (await nextCall(1)).answer();
  expect(await one).toBe('d');
  calls[0]?.answer();
  expect(await Promise.all(three)).toEqual(['a', 'b', 'c']);
});

test('nothing resolves before the bus has answered', async () => {
  const { publisher, publish, nextCall } = harness();
  let done = false;
  const promise = publish('a').then(() => {
    done = true;
  });
  const call = await nextCall(0);
  await new Promise(setImmediate);
  expect(done).toBe(false);
  expect(publisher.unconfirmed).toBe(1);
  call.answer();
  await promise;
  expect(publisher.unconfirmed).toBe(0);
});

test('above the number of calls at a time, batches grow instead', async () => {
  const { publish, calls, nextCall } = harness({ maxCalls: 1, batchMessages: 2 });
  const all = Array.from({ length: 9 }, (_, i) => publish(String(i)));
  expect(calls.map((c) => c.messages.length)).toEqual([2]);
  calls[0]?.answer();
  (await nextCall(1)).answer();
  expect(calls[1]?.messages).toHaveLength(7);
  expect(await Promise.all(all)).toEqual(Array.from({ length: 9 }, (_, i) => String(i)));
});

test('two failures in a row: it fails at once until a probe succeeds', async () => {
  const { publisher, publish, calls, nextCall, clock } = harness({ batchMessages: 1 });
  const first = publish('a');
  const second = publish('b');
  calls[0]?.fail(14);
  calls[1]?.fail(14);
  await expect(first).rejects.toBeInstanceOf(BusAwayError);
  await expect(second).rejects.toBeInstanceOf(BusAwayError);
  expect(publisher.state).toBe('away');
  await expect(publish('c')).rejects.toBeInstanceOf(BusAwayError);
  expect(calls).toHaveLength(2);
  clock.now = breakerDefaults.pauseMs.first;
  const probe = publish('d');
  await expect(publish('e')).rejects.toBeInstanceOf(BusAwayError); // one batch probes, no more
  (await nextCall(2)).answer();
  expect(await probe).toBe('d');
  expect(publisher.state).toBe('up');
});

test('a message that the bus refuses fails alone, the rest of its batch is stored', async () => {
  const { publisher, publish, calls } = harness({ batchMessages: 8 });
  const stored: string[] = [];
  const all = Array.from({ length: 8 }, (_, i) => publish(String(i)));
  const settled = Promise.allSettled(all);
  for (let answered = 0; publisher.unconfirmed > 0; ) {
    const call = calls[answered];
    if (call === undefined) await new Promise(setImmediate);
    else {
      answered++;
      if (call.messages.some((m) => m.attributes['id'] === '5')) call.fail(3);
      else {
        stored.push(...call.messages.map((m) => m.attributes['id'] ?? ''));
        call.answer();
      }
      await new Promise(setImmediate);
    }
  }
  const results = await settled;
  expect(results.flatMap((r, i) => (r.status === 'rejected' ? [i] : []))).toEqual([5]);
  await expect(all[5]).rejects.toBeInstanceOf(MessageRefusedError);
  expect(stored.sort()).toEqual(['0', '1', '2', '3', '4', '6', '7']);
  expect(publisher.state).toBe('up');
});

test('bounded: beyond its messages or bytes it takes no more', async () => {
  const { publisher, publish, calls } = harness({
    batchMessages: 1,
    maxOutstanding: { messages: 2, bytes: 100 },
    maxCalls: 9,
  });
  const first = publish('a', 60);
  const second = publish('b', 60);
  await expect(publish('c', 1)).rejects.toThrow(/2 messages wait/);
  for (const call of calls) call.answer();
  await Promise.all([first, second]);
  expect(publisher.unconfirmed).toBe(0);
});

test('flush sends what waits and resolves when all is answered', async () => {
  const { publisher, publish, calls } = harness({ batchMs: 60_000 });
  const one = publish('a');
  let flushed = false;
  const flush = publisher.flush().then(() => {
    flushed = true;
  });
  expect(calls).toHaveLength(1);
  await new Promise(setImmediate);
  expect(flushed).toBe(false);
  calls[0]?.answer();
  await Promise.all([one, flush]);
});

test('every message is answered exactly once, whatever the bus does', async () => {
  const act = fc.constantFrom<'publish' | 'answer' | 'fail' | 'refuse' | 'time'>(
    'publish',
    'publish',
    'answer',
    'fail',
    'refuse',
    'time',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 60 }), async (acts) => {
      const { publisher, calls, clock } = harness({ batchMessages: 2 });
      let answered = 0;
      const times = new Map<number, number>();
      let sent = 0;
      for (const step of acts) {
        if (step === 'publish') {
          const number = sent++;
          publisher.enqueue({ data: Buffer.alloc(1), attributes: {} }, () =>
            times.set(number, (times.get(number) ?? 0) + 1),
          );
        } else if (step === 'time') clock.now += 500;
        else {
          const call = calls[answered];
          if (call === undefined) continue;
          answered++;
          if (step === 'answer') call.answer();
          else call.fail(step === 'fail' ? 14 : 3);
          await new Promise(setImmediate);
        }
      }
      const flushed = publisher.flush();
      for (; publisher.unconfirmed > 0; await new Promise(setImmediate)) calls[answered++]?.answer();
      await flushed;
      await new Promise(setImmediate);
      expect([...times.values()]).toEqual(Array.from({ length: sent }, () => 1));
    }),
    { numRuns: 200 },
  );
});

/** Watches as the publisher does, from `from` to `to`, as often as its time allows. */
function watchFrom(breaker: Breaker, oldestSentAt: number, from: number, to: number, every = breakerDefaults.watchMs) {
  for (let now = from; now <= to; now += every) breaker.watch(oldestSentAt, now);
}

test('a call that is not answered opens the breaker, unless others are answered since', () => {
  const breaker = new Breaker(breakerDefaults, () => 1);
  watchFrom(breaker, 0, 0, 1_250);
  breaker.succeeded(1_400);
  watchFrom(breaker, 0, 1_500, 10_000);
  expect(breaker.state).toBe('up');
  watchFrom(breaker, 10_000, 10_250, 11_500);
  expect(breaker.state).toBe('up');
  watchFrom(breaker, 10_000, 11_750, 11_750);
  expect(breaker.state).toBe('away');
});

test('a process that did not run has seen no silence, one that ran slowly sees it later', () => {
  const breaker = new Breaker(breakerDefaults, () => 1);
  watchFrom(breaker, 0, 0, 250);
  breaker.watch(0, 60_000); // stopped for a minute: the answer may wait in its socket
  breaker.timedOut(60_000);
  breaker.timedOut(60_000);
  expect(breaker.state).toBe('up');
  watchFrom(breaker, 0, 61_000, 70_000, 1_000);
  expect(breaker.state).toBe('away');
});

test('a bus that answers slowly has twice its last time, at most three times the limit', () => {
  const slow = (took: number) => {
    const breaker = new Breaker(breakerDefaults, () => 1);
    breaker.succeeded(10_000, 10_000 - took);
    for (let now = 10_250; ; now += 250) {
      breaker.watch(10_001, now);
      if (breaker.state === 'away') return now - 10_000;
    }
  };
  expect(slow(10)).toBe(1_750);
  expect(slow(1_500)).toBe(3_250);
  expect(slow(60_000)).toBe(4_750);
});

test('calls given up while others are answered do not open the breaker; refused ones do, and a probe given up', async () => {
  const { publisher, publish, calls, nextCall, clock } = harness({ batchMessages: 1 });
  const two = [publish('a'), publish('b')];
  for (const call of calls) call.fail(4);
  expect((await Promise.allSettled(two)).map((r) => r.status)).toEqual(['rejected', 'rejected']);
  expect(publisher.state).toBe('up');
  const more = [publish('c'), publish('d')];
  for (const call of calls.slice(2)) call.fail(14);
  await Promise.allSettled(more);
  expect(publisher.state).toBe('away');
  clock.now = breakerDefaults.pauseMs.first;
  const probe = publish('e');
  (await nextCall(4)).fail(4);
  await expect(probe).rejects.toBeInstanceOf(BusAwayError);
  expect(publisher.admits()).toBe(false);
});

test('the pause between probes doubles to its longest and starts anew after a success', () => {
  const breaker = new Breaker({ ...breakerDefaults, failures: 1 }, () => 1);
  const pauses: number[] = [];
  let now = 0;
  for (let i = 0; i < 7; i++) {
    breaker.failedAt(now);
    const from = now;
    while (!breaker.admits(now)) now += 10;
    pauses.push(now - from);
  }
  expect(pauses).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000]);
  breaker.succeeded(now);
  breaker.failedAt(now);
  expect(breaker.admits(now + 99)).toBe(false);
  expect(breaker.admits(now + 100)).toBe(true);
});

const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};

test('eager: what comes in one turn leaves together at once; the next leaves with its answer, not with the time', async () => {
  const { publish, calls } = harness({ batchMessages: 100, batchMs: 200 });
  const first = ['a', 'b'].map((id) => publish(id)); // four would come within the time, and nothing is out
  expect(calls).toHaveLength(0);
  await turns(2);
  expect(calls.map((call) => call.messages.length)).toEqual([2]);
  const second = publish('c');
  await turns(2);
  expect(calls).toHaveLength(1);
  calls[0]?.answer();
  await Promise.all(first);
  await turns(3);
  expect(calls).toHaveLength(2);
  calls[1]?.answer();
  expect(await second).toBe('c');
});

test('not eager: a lone message waits its time', async () => {
  const { publish, calls, nextCall } = harness({ batchMs: 40, eager: false });
  const began = performance.now();
  const one = publish('a');
  await turns(3);
  expect(calls).toHaveLength(0);
  (await nextCall(0)).answer();
  await one;
  expect(performance.now() - began).toBeGreaterThanOrEqual(38);
});
