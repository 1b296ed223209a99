import type { ConnectionsResult } from '../connections.ts';
import type { FaultsResult } from '../faults/bench.ts';
import { findingsText } from '../faults/ledger.ts';
import type { HandshakesResult } from '../handshakes.ts';
import type { Percentiles } from '../load/latency.ts';
import type { MonolithResult } from '../monolith/bench.ts';
import { subjects } from '../monolith/compare.ts';
import { claimText, cutsText, pubackText, queryableText, subjectNames } from '../monolith/text.ts';
import type { PathResult } from '../path.ts';
import type { ReconnectBench } from '../reconnect/bench.ts';
import { reconnectVerdict, secondsText } from '../reconnect/text.ts';
import { ms } from '../text.ts';
import { verdictOf } from '../verdict.ts';

/** `paths`: one list a shape, sorted by PUBACK p99. */
export type AllResults = {
  paths: PathResult[][];
  connections: ConnectionsResult;
  handshakes: HandshakesResult;
  reconnects: ReconnectBench[];
  monolith: MonolithResult;
  /** Absent: the page keeps those that it has. */
  faults?: FaultsResult;
};

export const faultsHeading = '## Faults';

/** The measured part of docs/benchmarks.md. Pure. */
export function benchmarksPage(r: AllResults): string {
  return [
    machine(r),
    path(r.paths),
    cpu(r.paths),
    connections(r.connections),
    handshakes(r.handshakes),
    reconnects(r.reconnects),
    monolith(r.monolith),
    ...(r.faults === undefined ? [] : [faults(r.faults)]),
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

export function reconnects(all: ReconnectBench[]): string {
  const rows = all.map((r) =>
    row(
      r.options.devices,
      r.options.pods,
      r.options.handshakes,
      secondsText(r.times.p50),
      secondsText(r.times.p99),
      secondsText(r.times.p999),
      secondsText(r.times.last),
      r.turnedAway,
      reconnectVerdict(r),
    ),
  );
  const { share } = (all[0] as ReconnectBench).options;
  const { perSecond, inProgress, waiting } = (all[0] as ReconnectBench).admission;
  return [
    '## A fleet that reconnects',
    `Simulated from the handshakes above, the device library's back-off and the gateway's own admission (${perSecond} a second, ${inProgress} at one time, ${waiting} waiting, ${share} % of a core); all connections are lost at one moment. First row: full handshakes; second: resumed ones; third: a zone of three is lost.`,
    table(
      ['devices', 'pods', 'handshakes/s a core', 'half back', '99 %', '99.9 %', 'last', 'turned away', 'verdict'],
      rows,
    ),
  ].join('\n\n');
}

export function monolith(r: MonolithResult): string {
  const { commitMs, connections, seconds } = r.options;
  const rows = r.comparisons.flatMap((c) =>
    subjects.map((subject) => {
      const side = c.sides[subject];
      return row(
        c.rate,
        subjectNames[subject],
        pubackText(side),
        queryableText(side),
        `${side.held} of ${side.runs}`,
        side.p50s.map(ms).join(', '),
      );
    }),
  );
  const claims = r.comparisons.map((c) => row(c.rate, cutsText(c.claim), claimText(c.claim, commitMs)));
  return [
    '## Beside a monolith',
    `One process that stores before it acknowledges, with the gateway's own front, the same certificates, table, index, Redis and fsync, in turns with the platform; ${connections} mutual-TLS connections, ${seconds} s, ${commitMs} ms added to each commit of Postgres (it then takes ${ms(r.measuredCommitMs)} ms). Milliseconds.`,
    table(
      ['readings/s', 'what', 'PUBACK p50 / p95 / p99', 'queryable p50 / p99', 'held', 'PUBACK p50 of each run'],
      rows,
    ),
    'Claimed is a PUBACK p50 at least 40 % below both. Of queryable nothing is claimed: a bus in between costs there. The bus here confirms after an fsync of this disk; where one confirms later by more than the margin named, the gain is gone.',
    table(['readings/s', 'PUBACK p50 of the platform', 'claim'], claims),
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
    faultsHeading,
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
