import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
};

const pathShapes: { rate: number; batch: number }[] = [
  { rate: 1_000, batch: 1 },
  { rate: 3_000, batch: 1 },
  { rate: 6_000, batch: 1 },
  { rate: 8_000, batch: 1 },
  { rate: 20_000, batch: 10 },
];

/** Every benchmark, one after the other, on a machine that should have nothing else to do. */
export async function benchAll(
  platform: BenchPlatform,
  options: AllOptions,
  say: (line: string) => void,
): Promise<AllResults> {
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
  say('handshakes');
  const handshakes = await benchHandshakes(platform, options.handshakes, say);
  say('monolith');
  const monolith = await benchMonolith(
    platform,
    {
      rates: [100, 1_000, 3_000],
      seconds: 10,
      warmupSeconds: 3,
      commitMs: 2,
      runs: options.runs,
      connections: options.connections,
    },
    say,
  );
  say('connections');
  const connections = await benchConnections(platform, options.idle, say);
  say('faults');
  const faults = await benchFaults(
    platform,
    { messages: options.faultMessages, rate: options.faultRate, away: options.awaySeconds },
    say,
  );
  const { full, resumed } = handshakes.gateway;
  const reconnects = [
    reconnect(fleet.devices, fleet.pods, full.perCoreSecond),
    reconnect(fleet.devices, fleet.pods, resumed.perCoreSecond),
    // A zone of three is lost: its devices connect to the pods of the other two.
    reconnect(Math.ceil(fleet.devices / 3), (2 * fleet.pods) / 3, full.perCoreSecond),
  ];
  return { paths, connections, handshakes, reconnects, monolith, faults };
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
