import { expect, test } from 'vitest';
import { secondsOf } from '../../../policies/google-cloud/durations.ts';

test.each([
  ['7776000s', 7_776_000],
  ['0s', 0],
  ['1.5s', 1.5],
  ['90d', null],
  ['-1s', null],
  ['1e9s', null],
  ['s', null],
  ['', null],
  [7_776_000, null],
  [null, null],
])('%j lasts %j seconds', (text, seconds) => {
  expect(secondsOf(text)).toBe(seconds);
});
