import { expect, test } from 'vitest';
import { createLiveHub, readLiveMessage } from '../../runtime/api/live/hub.ts';
import type { Subscription } from '../../runtime/platform/cache/subscriber.ts';
import { quietLog } from '../support/log.ts';

function fakeCache() {
  const channels = new Map<string, Subscription>();
  return {
    channels,
    cache: {
      subscribe: (channel: string, subscription: Subscription) => {
        if (channels.has(channel)) throw new Error(`subscribed twice to ${channel}`);
        channels.set(channel, subscription);
        return () => void channels.delete(channel);
      },
    },
  };
}
const state = (device: string) =>
  JSON.stringify({ type: 'state', device, ts: 1, seq: 0, values: { t: 1 }, trace: 'x' });

test('one subscription a tenant serves all its clients, each with its own filter, and ends with the last', () => {
  const { channels, cache } = fakeCache();
  const hub = createLiveHub(cache, quietLog);
  const heard: Record<string, string[]> = { all: [], one: [], other: [] };
  const listen = (tenant: string, name: string, device?: string) =>
    hub.listen(tenant, { device, send: (text) => heard[name]?.push(text) });
  const stops = [listen('main', 'all'), listen('main', 'one', 'dev-1'), listen('acme', 'other')];
  expect([...channels.keys()]).toEqual(['live:main', 'live:acme']);
  channels.get('live:main')?.onMessage(state('dev-1'));
  channels.get('live:main')?.onMessage(state('dev-2'));
  expect(heard['all']).toEqual([
    `event: state\ndata: ${state('dev-1')}\n\n`,
    `event: state\ndata: ${state('dev-2')}\n\n`,
  ]);
  expect(heard['one']).toHaveLength(1);
  expect(heard['other']).toHaveLength(0);
  stops[0]?.();
  stops[0]?.();
  expect(channels.has('live:main')).toBe(true);
  stops[1]?.();
  expect([...channels.keys()]).toEqual(['live:acme']);
  expect(hub.listeners()).toBe(1);
});

test('whoever listened before the subscription stood, or through a break of it, is told to read anew', () => {
  const { channels, cache } = fakeCache();
  const hub = createLiveHub(cache, quietLog);
  const heard: string[] = [];
  hub.listen('main', { device: undefined, send: (text) => heard.push(text) });
  channels.get('live:main')?.onStanding?.();
  expect(heard).toEqual(['event: resync\ndata: {}\n\n']);
  const late: string[] = [];
  hub.listen('main', { device: undefined, send: (text) => late.push(text) });
  expect(late).toEqual([]);
  channels.get('live:main')?.onStanding?.();
  expect([heard.length, late.length]).toEqual([2, 1]);
});

test('a batch of events is one write a client, filtered, and unknown ones in it harm no other', () => {
  const { channels, cache } = fakeCache();
  const hub = createLiveHub(cache, quietLog);
  const heard: Record<string, string[]> = { all: [], one: [] };
  hub.listen('main', { device: undefined, send: (text) => heard['all']?.push(text) });
  hub.listen('main', { device: 'dev-2', send: (text) => heard['one']?.push(text) });
  channels.get('live:main')?.onMessage(`[${state('dev-1')},null,{"type":"x"},${state('dev-2')}]`);
  expect(heard['all']).toEqual([`event: state\ndata: ${state('dev-1')}\n\nevent: state\ndata: ${state('dev-2')}\n\n`]);
  expect(heard['one']).toEqual([`event: state\ndata: ${state('dev-2')}\n\n`]);
  channels.get('live:main')?.onMessage(`[${state('dev-3')}]`);
  expect(heard['one']).toHaveLength(1);
});

test('a line break in a message can begin no other event', () => {
  const [one] = readLiveMessage('{"type":"state",\n"device":"d\\nevent: admin"}').events;
  expect(one?.text).toBe('event: state\ndata: {"type":"state","device":"d\\nevent: admin"}\n\n');
});

test.each([
  ['no JSON', 'nonsense'],
  ['JSON and more', `${state('dev-1')}\nevent: admin`],
  ['an unknown type', '{"type":"x\\nevent: y","device":"d"}'],
  ['no device', '{"type":"state"}'],
  ['null', 'null'],
])('a message that is %s is dropped', (_, message) => {
  expect(readLiveMessage(message)).toEqual({ events: [], unknown: 1 });
});
