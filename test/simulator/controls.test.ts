import { expect, test } from 'vitest';
import { createControls } from '../../runtime/simulator/controls.ts';

function controls() {
  const intervals: number[] = [];
  const states: unknown[] = [];
  const made = createControls({
    usualIntervalMs: 5_000,
    setInterval: (ms) => intervals.push(ms),
    reportState: (state) => states.push(state),
    measure: () => ({ ts: 7, seq: 8 }),
  });
  return { ...made, intervals, states };
}

test('takes its interval from the desired state and says what it took', () => {
  const { configure, intervals, states } = controls();
  for (const desired of [{}, { interval: 30, other: 1 }, { interval: 'often' }, { interval: 0 }]) configure(desired);
  expect(intervals).toEqual([5_000, 30_000, 5_000, 5_000]);
  expect(states).toEqual([
    { interval: 5 },
    { interval: 30 },
    { interval: 5, problem: 'interval is "often", allowed is 1 to 3600 seconds' },
    { interval: 5, problem: 'interval is 0, allowed is 1 to 3600 seconds' },
  ]);
});

test('knows three commands and fails the others in words', () => {
  const { perform } = controls();
  expect(perform({ name: 'ping', payload: 1 })).toEqual({ pong: 1 });
  expect(perform({ name: 'measure', payload: null })).toEqual({ ts: 7, seq: 8 });
  expect(() => perform({ name: 'fail', payload: null })).toThrow('told to fail');
  expect(() => perform({ name: 'dance', payload: null })).toThrow("no command 'dance' here; known are ping");
});
