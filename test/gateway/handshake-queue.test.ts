import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type HandshakeLimits,
  HandshakeQueue,
  maxWaiting,
  maxWaitingPerAddress,
  type Place,
} from '../../runtime/gateway/handshake-queue.ts';
import { sourceOf } from '../../runtime/gateway/source-address.ts';

const generous: HandshakeLimits = {
  perSecond: 10_000,
  inProgress: 4,
  inProgressPerAddress: 3,
  connectionsPerSecondPerAddress: 10_000,
};

function begin(queue: HandshakeQueue<string>, now: number): string[] {
  const begun: string[] = [];
  for (let place = queue.next(now); place !== undefined; place = queue.next(now)) begun.push(place.item);
  return begun;
}
const added = (queue: HandshakeQueue<string>, item: string, address: string, now = 0) => {
  const place = queue.add(item, address, now);
  if (typeof place === 'string') throw new Error(`${item} was turned away: ${place}`);
  return place;
};

describe('the queue of handshakes', () => {
  test('one address that opens connections and says nothing leaves places to the others', () => {
    const queue = new HandshakeQueue<string>(generous, 0);
    for (let i = 0; i < 100; i++) added(queue, `silent-${i}`, '192.0.2.1');
    expect(begin(queue, 0)).toEqual(['silent-0', 'silent-1', 'silent-2']);
    added(queue, 'device', '198.51.100.7');
    expect(begin(queue, 0)).toEqual(['device']);
  });

  test('addresses take turns, whoever came first with how many', () => {
    const queue = new HandshakeQueue<string>({ ...generous, inProgress: 6, inProgressPerAddress: 6 }, 0);
    for (let i = 0; i < 50; i++) added(queue, `a${i}`, 'a');
    added(queue, 'b0', 'b');
    added(queue, 'b1', 'b');
    added(queue, 'c0', 'c');
    expect(begin(queue, 0)).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'a2']);
  });

  test('alone, an address has all the rate and its own share of the places', () => {
    const queue = new HandshakeQueue<string>({ ...generous, inProgress: 64, inProgressPerAddress: 48 }, 0);
    for (let i = 0; i < 200; i++) added(queue, `d${i}`, 'nat');
    expect(begin(queue, 0)).toHaveLength(48);
  });

  test('new connections above the rate of their address are turned away, and only that address’s', () => {
    const queue = new HandshakeQueue<string>({ ...generous, connectionsPerSecondPerAddress: 10 }, 0);
    const answers = Array.from({ length: 21 }, (_, i) => queue.add(`x${i}`, 'x', 0));
    expect(answers.filter((answer) => answer === 'address-rate')).toHaveLength(1); // a burst of two seconds is taken
    expect(queue.add('y', 'y', 0)).not.toBeTypeOf('string');
    expect(queue.add('x', 'x', 100)).not.toBeTypeOf('string'); // a tenth of a second later: one more
    expect(queue.add('x', 'x', 100)).toBe('address-rate');
  });

  test('a flood of one address finds the end of its own waiting line, before that of all', () => {
    const queue = new HandshakeQueue<string>({ ...generous, inProgress: 1, inProgressPerAddress: 1 }, 0);
    for (let i = 0; i < maxWaitingPerAddress; i++) added(queue, `f${i}`, 'flood');
    expect(queue.add('more', 'flood', 0)).toBe('address-waiting');
    for (let i = maxWaitingPerAddress; i < maxWaiting; i++) added(queue, `o${i}`, `other-${i % 7}`);
    expect(queue.add('more', 'newcomer', 0)).toBe('handshake-rate');
  });

  test('a connection that goes away while it waits gives its place free, and is not begun', () => {
    const queue = new HandshakeQueue<string>({ ...generous, inProgress: 1 }, 0);
    added(queue, 'first', 'a');
    const gone = added(queue, 'gone', 'a');
    expect(begin(queue, 0)).toEqual(['first']);
    queue.over(gone);
    queue.over(gone);
    expect([queue.waiting, queue.inProgress]).toEqual([0, 1]);
  });

  test('addresses without a connection are forgotten, the longest idle first; the table does not grow', () => {
    const queue = new HandshakeQueue<string>({ ...generous, inProgress: 3 }, 0);
    const busy = added(queue, 'busy', 'busy');
    queue.next(0);
    for (let i = 0; i < 10_500; i++) queue.over(added(queue, 'x', `address-${i}`));
    expect(queue.addresses).toBe(10_001);
    queue.over(busy);
    expect(queue.addresses).toBe(10_000);
  });

  test('whatever comes and goes: no limit is passed, nothing is begun twice, and nobody who may begin is left', () => {
    const address = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), address, ms: fc.nat(20) }),
      fc.record({ kind: fc.constant('over' as const), pick: fc.nat(1_000), ms: fc.nat(20) }),
    );
    fc.assert(
      fc.property(
        fc.record({ inProgress: fc.integer({ min: 1, max: 6 }), per: fc.integer({ min: 1, max: 6 }) }),
        fc.array(step, { maxLength: 120 }),
        ({ inProgress, per }, steps) => {
          const limits = { ...generous, inProgress, inProgressPerAddress: per };
          const queue = new HandshakeQueue<{ address: string }>(limits, 0);
          const open = new Set<Place<{ address: string }>>();
          const begun = new Set<Place<{ address: string }>>();
          let now = 0;
          for (const each of steps) {
            now += each.ms;
            if (each.kind === 'add') {
              const place = queue.add({ address: each.address }, each.address, now);
              if (typeof place !== 'string') open.add(place);
            } else {
              const place = [...open][each.pick % Math.max(1, open.size)];
              if (place !== undefined) {
                queue.over(place);
                open.delete(place);
              }
            }
            for (let place = queue.next(now); place !== undefined; place = queue.next(now)) {
              expect(begun.has(place)).toBe(false);
              expect(open.has(place)).toBe(true);
              begun.add(place);
            }
            const running = [...open].filter((place) => place.state === 'started');
            const of = (name: string) => running.filter((place) => place.item.address === name).length;
            expect(queue.inProgress).toBe(running.length);
            expect(queue.waiting).toBe(open.size - running.length);
            expect(running.length).toBeLessThanOrEqual(inProgress);
            for (const name of ['a', 'b', 'c', 'd']) expect(of(name)).toBeLessThanOrEqual(per);
            if (running.length < inProgress)
              for (const place of open) if (place.state === 'waiting') expect(of(place.item.address)).toBe(per);
          }
        },
      ),
    );
  });
});

describe('whom a connection is counted for', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['2001:db8::2:3:4:5:6', '2001:db8:0:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    [undefined, 'unknown'],
  ])('%s: %s', (address, source) => expect(sourceOf(address)).toBe(source));
});
