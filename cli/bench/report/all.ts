import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkout } from '../../../runtime/local/folder.ts';
import { benchConnections } from '../connections.ts';
import { benchFaults } from '../faults/bench.ts';
import { benchHandshakes } from '../handshakes.ts';
import { benchMonolith } from '../monolith/bench.ts';
import { benchPath, type PathOptions, type PathResult } from '../path.ts';
import type { BenchPlatform } from '../platform.ts';
import { benchReconnect, shippedBackoffMaxSeconds } from '../reconnect/bench.ts';
import { type AllResults, benchmarksPage } from './page.ts';

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
};

const pathShapes: { rate: number; batch: number }[] = [
  { rate: 1_000, batch: 1 },
  { rate: 3_000, batch: 1 },
  { rate: 6_000, batch: 1 },
  { rate: 8_000, batch: 1 },
  { rate: 20_000, batch: 10 },
];

/**
 * Every benchmark, one after the other, on a machine that should have nothing else to do. What is measured is kept in
 * `bench/benchmarks.json` of the data folder at once: a run that ends early goes on with `resume` where it stopped.
 */
export async function benchAll(
  platform: BenchPlatform,
  options: AllOptions,
  say: (line: string) => void,
): Promise<AllResults> {
  const kept = await keptResults(join(platform.dir, 'benchmarks.json'), options.resume, say);
  const paths = await kept('paths', () => everyPath(platform, options, say));
  const handshakes = await kept('handshakes', () => benchHandshakes(platform, options.handshakes, say));
  const monolith = await kept('monolith', () => {
    const { runs, connections } = options;
    const shape = { rates: [100, 1_000, 3_000], seconds: 10, warmupSeconds: 3, commitMs: 2 };
    return benchMonolith(platform, { ...shape, runs, connections }, say);
  });
  const connections = await kept('connections', () => benchConnections(platform, options.idle, say));
  const faults = await kept('faults', () => {
    const { faultMessages: messages, faultRate: rate, awaySeconds: away } = options;
    return benchFaults(platform, { messages, rate, away }, say);
  });
  const { full, resumed } = handshakes.gateway;
  const reconnects = [
    reconnect(fleet.devices, fleet.pods, full.perCoreSecond),
    reconnect(fleet.devices, fleet.pods, resumed.perCoreSecond),
    // A zone of three is lost: its devices connect to the pods of the other two.
    reconnect(Math.ceil(fleet.devices / 3), (2 * fleet.pods) / 3, full.perCoreSecond),
  ];
  return { paths, connections, handshakes, reconnects, monolith, faults };
}

async function everyPath(
  platform: BenchPlatform,
  options: AllOptions,
  say: (line: string) => void,
): Promise<PathResult[][]> {
  const paths: PathResult[][] = [];
  for (const shape of pathShapes) {
    const path: PathOptions = {
      ...shape,
      seconds: options.seconds,
      warmupSeconds: 5,
      connections: options.connections,
      readingBytes: 150,
    };
    const runs: PathResult[] = [];
    for (let i = 0; i < options.runs; i++) {
      say(`path ${shape.rate}/s, batches of ${shape.batch}, run ${i + 1} of ${options.runs}`);
      runs.push(await benchPath(platform, path, say));
    }
    paths.push(runs.sort((a, b) => a.load.puback.p99 - b.load.puback.p99));
  }
  return paths;
}

/** Measures a part, or takes it from the file when the run goes on from an earlier one. */
async function keptResults(file: string, resume: boolean, say: (line: string) => void) {
  const results: Record<string, unknown> = resume ? JSON.parse(await readFile(file, 'utf8')) : {};
  return async <T>(name: string, measure: () => Promise<T>): Promise<T> => {
    if (name in results) say(`${name}: taken from ${file}`);
    else {
      say(name);
      results[name] = await measure();
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, JSON.stringify(results));
    }
    return results[name] as T;
  };
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
  await writeFile(pagePath, `${before.slice(0, from + begin.length)}\n${benchmarksPage(results)}\n${before.slice(to)}`);
  return pagePath;
}
