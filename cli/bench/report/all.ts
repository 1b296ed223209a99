import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkout } from '../../../runtime/local/folder.ts';
import { CommandError } from '../../errors.ts';
import { benchConnections } from '../connections.ts';
import { benchFaults } from '../faults/bench.ts';
import { benchHandshakes } from '../handshakes.ts';
import { benchMonolith, type MonolithResult } from '../monolith/bench.ts';
import { compare } from '../monolith/compare.ts';
import { benchPath, type PathOptions, type PathResult } from '../path.ts';
import type { BenchPlatform } from '../platform.ts';
import { benchReconnect, shippedBackoffMaxSeconds } from '../reconnect/bench.ts';
import { type AllResults, benchmarksPage, faultsHeading } from './page.ts';

export type AllOptions = {
  /** Repeats of each path measurement; the median by PUBACK p99 is reported, all are kept. */
  runs: number;
  seconds: number;
  connections: number;
  idle: number;
  handshakes: number;
  faultMessages: number;
  faultRate: number;
  awaySeconds: number;
  /** Go on with what `bench/benchmarks.json` of the data folder already has. */
  resume: boolean;
  /** Begin no part after this many minutes. */
  forMinutes: number;
  /** The page's faults stay as they stand. */
  keepFaults: boolean;
};

const pathShapes: { rate: number; batch: number }[] = [
  { rate: 1_000, batch: 1 },
  { rate: 3_000, batch: 1 },
  { rate: 6_000, batch: 1 },
  { rate: 8_000, batch: 1 },
  { rate: 20_000, batch: 10 },
];
const monolithRates = [100, 1_000, 3_000];
const monolithShape = { seconds: 10, warmupSeconds: 3, commitMs: 2 };

/**
 * Every benchmark, one after the other, on a machine that should have nothing else to do. Each row is kept in
 * `bench/benchmarks.json` of the data folder at once: a run that ends early goes on with `resume` where it stopped.
 * @throws CommandError when `forMinutes` are over before all is measured.
 */
export async function benchAll(
  platform: BenchPlatform,
  options: AllOptions,
  say: (line: string) => void,
): Promise<AllResults> {
  const kept = await keptResults(join(platform.dir, 'benchmarks.json'), options, say);
  const paths: PathResult[][] = [];
  for (const shape of pathShapes)
    paths.push(await kept(`path ${shape.rate} x ${shape.batch}`, () => onePath(platform, shape, options, say)));
  const handshakes = await kept('handshakes', () => benchHandshakes(platform, options.handshakes, say));
  const monoliths: MonolithResult[] = [];
  for (const rate of monolithRates)
    monoliths.push(
      await kept(`monolith ${rate}`, () => {
        const { runs, connections } = options;
        return benchMonolith(platform, { rates: [rate], ...monolithShape, runs, connections }, say);
      }),
    );
  const connections = await kept('connections', () => benchConnections(platform, options.idle, say));
  const { faultMessages: messages, faultRate: rate, awaySeconds: away } = options;
  const faults = options.keepFaults
    ? undefined
    : await kept('faults', () => benchFaults(platform, { messages, rate, away }, say));
  const { full, resumed } = handshakes.gateway;
  const reconnects = [
    reconnect(fleet.devices, fleet.pods, full.perCoreSecond),
    reconnect(fleet.devices, fleet.pods, resumed.perCoreSecond),
    // A zone of three is lost: its devices connect to the pods of the other two.
    reconnect(Math.ceil(fleet.devices / 3), (2 * fleet.pods) / 3, full.perCoreSecond),
  ];
  const monolith = together(monoliths);
  return { paths, connections, handshakes, reconnects, monolith, ...(faults === undefined ? {} : { faults }) };
}

async function onePath(
  platform: BenchPlatform,
  shape: (typeof pathShapes)[number],
  options: AllOptions,
  say: (line: string) => void,
): Promise<PathResult[]> {
  const { seconds, connections } = options;
  const path: PathOptions = { ...shape, seconds, warmupSeconds: 5, connections, readingBytes: 150 };
  const runs: PathResult[] = [];
  for (let i = 0; i < options.runs; i++) {
    say(`path ${shape.rate}/s, batches of ${shape.batch}, run ${i + 1} of ${options.runs}`);
    runs.push(await benchPath(platform, path, say));
  }
  return runs.sort((a, b) => a.load.puback.p99 - b.load.puback.p99);
}

/** One result of those of each rate; the commit's time is that of the middle one. */
export function together(results: readonly MonolithResult[]): MonolithResult {
  const [first] = results;
  if (first === undefined) throw new Error('no rate was measured');
  const commits = results.map((result) => result.measuredCommitMs).sort((a, b) => a - b);
  const runs = results.flatMap((result) => result.runs);
  return {
    ...first,
    options: { ...first.options, rates: results.flatMap(({ options }) => options.rates) },
    measuredCommitMs: commits[Math.floor((commits.length - 1) / 2)] as number,
    runs,
    comparisons: compare(runs),
  };
}

/** Measures a part, or takes it from the file when the run goes on from an earlier one. */
export async function keptResults(
  file: string,
  { resume, forMinutes }: Pick<AllOptions, 'resume' | 'forMinutes'>,
  say: (line: string) => void,
  now: () => number = Date.now,
) {
  const results: Record<string, unknown> = resume ? await readKept(file) : {};
  const until = now() + forMinutes * 60_000;
  return async <T>(name: string, measure: () => Promise<T>): Promise<T> => {
    if (name in results) say(`${name}: taken from ${file}`);
    else if (now() >= until)
      throw new CommandError(`${forMinutes} minutes are over; --resume goes on with ${name}`, { exitCode: 1 });
    else {
      say(name);
      results[name] = await measure();
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, JSON.stringify(results));
    }
    return results[name] as T;
  };
}

async function readKept(file: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}; // nothing to go on with
    throw new Error(`${file} is no result of a benchmark; delete it`, { cause: error });
  }
}

/** The planned fleet, and the gateways planned for it. */
const fleet = { devices: 55_000, pods: 6 };
const handshakeShare = 60;

const reconnect = (devices: number, pods: number, perCore: number) =>
  benchReconnect({
    devices,
    pods,
    handshakes: Math.round(perCore),
    share: handshakeShare,
    backoffMaxSeconds: shippedBackoffMaxSeconds,
  });

const pagePath = join(checkout, 'docs', 'benchmarks.md');

/** Replaces what is between the page's marks, and leaves the prose around them. */
export async function writePage(results: AllResults): Promise<string> {
  const before = await readFile(pagePath, 'utf8');
  const begin = '<!-- measured: begin -->';
  const end = '<!-- measured: end -->';
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${pagePath} lacks the lines '${begin}' and '${end}'`);
  const measured = [
    benchmarksPage(results),
    ...(results.faults === undefined ? [faultsOf(before.slice(from, to))] : []),
  ];
  await writeFile(pagePath, `${before.slice(0, from + begin.length)}\n${measured.join('\n\n')}\n${before.slice(to)}`);
  return pagePath;
}

/** The page's section of faults as it stands. */
function faultsOf(measured: string): string {
  const at = measured.indexOf(faultsHeading);
  if (at < 0) throw new Error(`${pagePath} has no faults to keep: leave --keep-faults out`);
  return measured.slice(at).trimEnd();
}
