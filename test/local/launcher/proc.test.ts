import { expect, test } from 'vitest';
import { listeningInode, parseStat } from '../../../runtime/local/proc.ts';
import { coresUsed } from '../../../runtime/local/status.ts';

const rest = '1 77 77 0 -1 4194560 100 0 0 0 250 50 7 3 20 0 11 0 987654 1000 200';

test.each([
  ['an ordinary name', `42 (node) S ${rest}`],
  ['a name with spaces and parentheses', `42 (a) (b) S 1 c) S ${rest}`],
])('stat with %s', (_, line) => {
  expect(parseStat(line)).toEqual({ state: 'S', parent: 1, cpuTicks: 300, childCpuTicks: 10, startTicks: 987_654 });
});

test('a torn stat is no process', () => {
  expect(parseStat('42 (node) S 1')).toBeUndefined();
});

test('the listening socket of a port is found, a connection to the same port is not', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:4694 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 111 1',
    '   1: 0100007F:4694 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1',
  ].join('\n');
  expect(listeningInode(table, 0x4694)).toBe('222');
  expect(listeningInode(table, 0x9c40)).toBeUndefined();
});

test.each([
  ['no sample before', undefined, { pid: 1, cpuTicks: 5, atMs: 0 }, null],
  ['half a core', { pid: 1, cpuTicks: 100, atMs: 0 }, { pid: 1, cpuTicks: 200, atMs: 2_000 }, 0.5],
  ['another process', { pid: 1, cpuTicks: 100, atMs: 0 }, { pid: 2, cpuTicks: 200, atMs: 2_000 }, null],
  ['a child that ended uncounted', { pid: 1, cpuTicks: 200, atMs: 0 }, { pid: 1, cpuTicks: 150, atMs: 2_000 }, 0],
  ['no time between', { pid: 1, cpuTicks: 200, atMs: 5 }, { pid: 1, cpuTicks: 250, atMs: 5 }, null],
])('cores used: %s', (_, before, now, expected) => {
  expect(coresUsed(before, now)).toBe(expected);
});
