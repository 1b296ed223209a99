import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compare, type MonolithRun, type Subject } from '../../../cli/bench/monolith/compare.ts';
import { benchReconnect } from '../../../cli/bench/reconnect/bench.ts';
import { keptResults, together } from '../../../cli/bench/report/all.ts';
import { monolith, reconnects } from '../../../cli/bench/report/page.ts';

const latency = (p50: number) => ({ p50, p95: 2 * p50, p99: 3 * p50, p999: 4 * p50, max: 5 * p50, count: 1_000 });
const load = { offered: 100, achieved: 100, acknowledged: 1_000, unacknowledged: 0, lostConnections: 0 };
const run = (subject: Subject, p50: number) =>
  ({
    subject,
    rate: 100,
    run: 1,
    load: { ...load, puback: latency(p50), generatorLag: latency(0.1) },
    queryable: latency(2 * p50),
    backlogAtEnd: 0,
    rows: 1_000,
  }) as MonolithRun;

/** Cells of a table's rows, without the head. */
const cells = (text: string, column: number) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\| (---|readings|devices)/.test(line))
    .map((line) => line.split('|')[column]?.trim());

test('the page has each system with PUBACK and queryable, and a verdict a rate', () => {
  const runs = [run('platform', 4), run('B0', 10), run('B1', 5)];
  const text = monolith({
    bench: 'monolith',
    machine: {} as never,
    options: { rates: [100], seconds: 10, warmupSeconds: 3, commitMs: 2, runs: 1, connections: 10 },
    measuredCommitMs: 2.3,
    runs,
    comparisons: compare(runs),
  });
  expect(cells(text, 3)).toEqual(['10 / 20 / 30', '5.0 / 10 / 15', '4.0 / 8.0 / 12', 'FAILS by 1.0 ms']);
  expect(cells(text, 4).slice(0, 3)).toEqual(['20 / 60', '10 / 30', '8.0 / 24']);
  expect(cells(text, 2)).toContain('60 % lower than B0, 20 % lower than B1');
});

test('the page says of a simulated fleet whether it is back in time', () => {
  const small = { devices: 200, pods: 1, handshakes: 500, share: 60, backoffMaxSeconds: 120 };
  const text = reconnects([benchReconnect(small), benchReconnect({ ...small, devices: 9_167 })]);
  expect(cells(text, 1)).toEqual(['200', '9167']);
  expect(cells(text, 9)).toEqual([
    'all back within 60 s: holds',
    expect.stringContaining('FAILS; it holds with a back-off ceiling of'),
  ]);
});

test('a run in parts: what is measured is kept, no part begins after its time, and the next run goes on there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'iot-test-bench-'));
  const file = join(folder, 'bench', 'benchmarks.json');
  const clock = { now: 0 };
  const measured: string[] = [];
  const measure = (name: string) => async () => {
    clock.now += 60_000;
    measured.push(name);
    return { name };
  };
  const start = (resume: boolean) =>
    keptResults(
      file,
      { resume, forMinutes: 2 },
      () => undefined,
      () => clock.now,
    );
  try {
    const first = await start(true); // nothing is there yet
    for (const name of ['a', 'b']) expect(await first(name, measure(name))).toEqual({ name });
    await expect(first('c', measure('c'))).rejects.toThrow('2 minutes are over; --resume goes on with c');
    const second = await start(true);
    for (const name of ['a', 'b', 'c']) expect(await second(name, measure(name))).toEqual({ name });
    expect(measured).toEqual(['a', 'b', 'c']);
    const anew = await start(false);
    await anew('a', measure('a'));
    expect(measured).toEqual(['a', 'b', 'c', 'a']);
    await writeFile(file, 'half a');
    await expect(start(true)).rejects.toThrow('is no result of a benchmark; delete it');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('rates measured apart are one comparison', () => {
  const of = (rate: number, measuredCommitMs: number) => {
    const runs = [run('platform', 4), run('B0', 10), run('B1', 5)].map((each) => ({ ...each, rate }));
    const options = { rates: [rate], seconds: 10, warmupSeconds: 3, commitMs: 2, runs: 1, connections: 10 };
    return {
      bench: 'monolith' as const,
      machine: {} as never,
      options,
      measuredCommitMs,
      runs,
      comparisons: compare(runs),
    };
  };
  const all = together([of(100, 2.6), of(1_000, 2.2), of(3_000, 2.4)]);
  expect(all.comparisons.map(({ rate }) => rate)).toEqual([100, 1_000, 3_000]);
  expect([all.options.rates, all.measuredCommitMs, all.runs.length]).toEqual([[100, 1_000, 3_000], 2.4, 9]);
});
