import { expect, test } from 'vitest';
import { verdictOf } from '../../../cli/bench/verdict.ts';

const lag = { p50: 0, p95: 1, p99: 5, p999: 9, max: 20, count: 1_000 };
const good = {
  backlogAtEnd: 10,
  rows: 50_000,
  load: {
    offered: 1_000,
    achieved: 999,
    acknowledged: 50_000,
    unacknowledged: 0,
    lostConnections: 0,
    generatorLag: lag,
  },
};

test('a run that kept up is a measurement', () => {
  expect(verdictOf(good)).toEqual({ held: true });
});

test.each([
  ['achieved 900 of 1000', { load: { ...good.load, achieved: 900 } }],
  ['7 readings without acknowledgement', { load: { ...good.load, unacknowledged: 7 } }],
  ['3 connections lost', { load: { ...good.load, lostConnections: 3 } }],
  ['1 acknowledged readings are not among the rows', { rows: 49_999 }],
  ['a backlog of 1001 messages', { backlogAtEnd: 1_001 }],
  ['the generator was late (p99 80 ms)', { load: { ...good.load, generatorLag: { ...lag, p99: 80 } } }],
])('it is none when: %s', (reason, change) => {
  expect(verdictOf({ ...good, ...change })).toEqual({ held: false, because: [expect.stringContaining(reason)] });
});
