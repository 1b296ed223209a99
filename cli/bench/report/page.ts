import type { ConnectionsResult } from '../connections.ts';
import type { FaultsResult } from '../faults/bench.ts';
import { findingsText } from '../faults/ledger.ts';
import type { HandshakesResult } from '../handshakes.ts';
import type { Percentiles } from '../load/latency.ts';
import type { PathResult } from '../path.ts';
import { ms } from '../text.ts';
import { verdictOf } from '../verdict.ts';

/** `paths`: one list a shape, sorted by PUBACK p99. */
export type AllResults = {
  paths: PathResult[][];
  connections: ConnectionsResult;
  handshakes: HandshakesResult;
  faults: FaultsResult;
};

/** The measured part of docs/benchmarks.md. Pure. */
export function benchmarksPage(r: AllResults): string {
  return [
    machine(r),
    path(r.paths),
    cpu(r.paths),
    connections(r.connections),
    handshakes(r.handshakes),
    faults(r.faults),
  ].join('\n\n');
}

const row = (...cells: (string | number)[]) => `| ${cells.join(' | ')} |`;
const table = (head: string[], rows: string[]) => [row(...head), row(...head.map(() => '---')), ...rows].join('\n');
const middle = <T>(list: readonly T[]): T => list[Math.floor((list.length - 1) / 2)] as T;

function machine({ paths }: AllResults): string {
  const first = middle(paths[0] as PathResult[]);
  const { machine: m, policy } = first;
  return [
    `Machine: ${m.cores} cores (${m.cpu}), ${m.memoryGiB} GiB, Linux ${m.kernel}, Node ${m.node}, commit ${m.commit}, ${m.at.slice(0, 10)}.`,
    `Load of the machine in the minute before the first run: ${m.loadBefore}. Everything ran on it: the platform, the generator, the probe.`,
    `What makes a write durable: ${Object.entries(policy)
      .map(([k, v]) => `${k}: ${v}`)
      .join('; ')}.`,
  ].join('\n');
}

function path(shapes: PathResult[][]): string {
  const lat = (p: Percentiles) => [p.p50, p.p95, p.p99, p.p999, p.max].map(ms).join(' / ');
  const rows = shapes.map((runs) => {
    const m = middle(runs);
    return row(
      m.options.rate,
      m.options.batch,
      `${Math.round(m.load.achieved)}`,
      lat(m.load.puback),
      lat(m.queryable),
      m.backlogAtEnd,
      `${m.load.acknowledged} / ${m.rows}`,
      verdictText(m),
      runs.map((x) => ms(x.load.puback.p99)).join(', '),
    );
  });
  const { connections, seconds, warmupSeconds, readingBytes } = middle(shapes[0] as PathResult[]).options;
  return [
    '## The whole path',
    `${connections} mutual-TLS connections, ${readingBytes} B of JSON a reading, QoS 1, ${seconds} s measured after ${warmupSeconds} s. Milliseconds as p50 / p95 / p99 / p99.9 / max. Of several runs the one with the middle PUBACK p99.`,
    table(
      [
        'offered readings/s',
        'a message',
        'achieved',
        'PUBACK',
        'queryable',
        'backlog at the end',
        'acknowledged / rows',
        'held',
        'PUBACK p99 of each run',
      ],
      rows,
    ),
  ].join('\n\n');
}

function verdictText(result: PathResult): string {
  const verdict = verdictOf(result);
  return verdict.held ? 'yes' : `no: ${verdict.because.join('; ')}`;
}

function cpu(shapes: PathResult[][]): string {
  const runs = shapes.map(middle);
  const names = [...new Set(runs.flatMap((r) => Object.keys(r.cpu.parts)))];
  const rows = runs.map((r) =>
    row(
      `${r.options.rate} x ${r.options.batch}`,
      ...names.map((name) => (r.cpu.parts[name] ?? 0).toFixed(2)),
      r.cpu.elsewhere.toFixed(2),
      r.cpu.total.toFixed(2),
    ),
  );
  return [
    'Cores used while measuring (`bench` polls for the probe; `elsewhere` is what is not ours):',
    table(['load', ...names, 'elsewhere', 'all'], rows),
  ].join('\n\n');
}

function connections(r: ConnectionsResult): string {
  return [
    '## Memory of an idle device',
    `${r.count} mutual-TLS devices, each subscribed to its config and commands; resident memory before and after, divided by their number.`,
    table(
      ['server', 'kB a device', 'before MiB', 'after MiB'],
      [
        row('gateway', r.gateway.kBEach.toFixed(1), r.gateway.beforeMiB, r.gateway.afterMiB),
        row('bare aedes, same run', r.bare.kBEach.toFixed(1), r.bare.beforeMiB, r.bare.afterMiB),
        row('ratio', `${((100 * r.gateway.kBEach) / r.bare.kBEach).toFixed(0)} %`, '', ''),
      ],
    ),
  ].join('\n\n');
}

function handshakes(r: HandshakesResult): string {
  const line = (name: 'full' | 'resumed') =>
    row(
      name,
      Math.round(r.gateway[name].perCoreSecond),
      Math.round(r.bare[name].perCoreSecond),
      `${((100 * r.gateway[name].perCoreSecond) / r.bare[name].perCoreSecond).toFixed(0)} %`,
      `${r.gateway[name].resumed} of ${r.gateway[name].count}`,
    );
  return [
    '## Handshakes',
    'TLS (P-256 on both sides), MQTT CONNECT and, at the gateway, the identity check, for each second that the server was on a core.',
    table(['kind', 'gateway /s', 'bare TLS and aedes /s', 'ratio', 'resumed'], [line('full'), line('resumed')]),
  ].join('\n\n');
}

function faults(r: FaultsResult): string {
  const rows = r.results.map((f) => {
    const p99 = (phase: string) => (f.puback[phase] === undefined ? '-' : ms(f.puback[phase].p99));
    return row(
      f.fault,
      f.acknowledged,
      f.rows,
      f.deadLetters,
      findingsText(f.findings),
      `${p99('steady')} / ${p99('during')} / ${p99('after')}`,
      f.faultSeconds.toFixed(1),
      f.drainSeconds.toFixed(1),
    );
  });
  return [
    '## Faults',
    `${r.devices} devices with the device library over mutual TLS, ${r.rate} readings a second, one in eleven of them with a clock an hour ahead (owed a dead letter). Clean: acknowledged = rows + dead letters entry by entry, none twice, every newest state right.`,
    table(
      [
        'fault',
        'acknowledged',
        'rows',
        'dead letters',
        'ledger',
        'PUBACK p99 ms before / during / after',
        'fault s',
        'drained after s',
      ],
      rows,
    ),
  ].join('\n\n');
}
