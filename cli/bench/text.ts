import type { ConnectionsResult } from './connections.ts';
import type { FaultsResult } from './faults/bench.ts';
import { findingsText } from './faults/ledger.ts';
import type { HandshakesResult } from './handshakes.ts';
import type { Percentiles } from './load/latency.ts';
import type { PathResult } from './path.ts';
import { verdictOf } from './verdict.ts';

/** Results as people read them. Milliseconds with as many digits as they deserve. */
export const ms = (value: number) =>
  Number.isNaN(value) ? '-' : value < 10 ? value.toFixed(1) : String(Math.round(value));
const percentiles = (p: Percentiles) => `${ms(p.p50)} / ${ms(p.p95)} / ${ms(p.p99)} / ${ms(p.p999)} / ${ms(p.max)} ms`;
const cores = (value: number) => value.toFixed(2);

export function pathText(r: PathResult): string {
  const cpu = Object.entries(r.cpu.parts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, c]) => `${name} ${cores(c)}`)
    .join(', ');
  const verdict = verdictOf(r);
  return [
    `path, ${r.options.connections} mutual-TLS connections, ${r.options.batch} reading(s) a message, ${r.load.payloadBytes} B payload`,
    `  verdict                ${verdict.held ? 'held the rate' : `SATURATED, its latencies mean nothing: ${verdict.because.join('; ')}`}`,
    `  offered / achieved     ${r.load.offered} / ${Math.round(r.load.achieved)} readings/s for ${r.options.seconds} s (first ${r.options.warmupSeconds} s left out)`,
    `  PUBACK                 ${percentiles(r.load.puback)}   p50 / p95 / p99 / p99.9 / max, from the intended send time`,
    `  queryable              ${percentiles(r.queryable)}   polled row, ${r.queryable.count} probes`,
    `  queryable, all         p50 ≤ ${ms(r.queryableAll.p50)} ms, p99 ≤ ${ms(r.queryableAll.p99)} ms   processor's histogram`,
    `  backlog at the end     ${r.backlogAtEnd} messages, gone after ${ms(r.drainSeconds)} s`,
    `  acknowledged / rows    ${r.load.acknowledged} / ${r.rows}, unacknowledged ${r.load.unacknowledged}, lost connections ${r.load.lostConnections}`,
    `  cores                  ${cpu}; elsewhere ${cores(r.cpu.elsewhere)}; all ${cores(r.cpu.total)} of ${r.machine.cores}`,
    `  generator              ${cores(r.load.generatorCpuSeconds / (r.options.warmupSeconds + r.options.seconds))} cores, late by p99 ${ms(r.load.generatorLag.p99)} ms`,
    `  durable                ${Object.entries(r.policy)
      .map(([k, v]) => `${k}: ${v}`)
      .join('; ')}`,
    `  machine                ${r.machine.cores} x ${r.machine.cpu}, ${r.machine.memoryGiB} GiB, Linux ${r.machine.kernel}, Node ${r.machine.node}, load before ${r.machine.loadBefore}, commit ${r.machine.commit}, ${r.machine.at}`,
  ].join('\n');
}

export function connectionsText(r: ConnectionsResult): string {
  return [
    `connections, ${r.count} idle mutual-TLS devices, each subscribed to its config and commands`,
    `  gateway                ${r.gateway.kBEach.toFixed(1)} kB RSS each (${r.gateway.beforeMiB} to ${r.gateway.afterMiB} MiB), connected in ${r.gateway.connectSeconds.toFixed(1)} s`,
    `  bare aedes, same run   ${r.bare.kBEach.toFixed(1)} kB RSS each (${r.bare.beforeMiB} to ${r.bare.afterMiB} MiB)`,
    `  ratio                  ${((100 * r.gateway.kBEach) / r.bare.kBEach).toFixed(0)} %`,
  ].join('\n');
}

export function handshakesText(r: HandshakesResult): string {
  const line = (name: string, one: HandshakesResult['gateway']['full'], bare: HandshakesResult['bare']['full']) =>
    `  ${name.padEnd(22)} ${Math.round(one.perCoreSecond)} /s a core (bare TLS and aedes ${Math.round(bare.perCoreSecond)}, ${((100 * one.perCoreSecond) / bare.perCoreSecond).toFixed(0)} %), ${one.count} done, ${one.resumed} resumed`;
  return [
    'handshakes, P-256, TLS, MQTT CONNECT and identity check',
    line('full', r.gateway.full, r.bare.full),
    line('resumed', r.gateway.resumed, r.bare.resumed),
  ].join('\n');
}

export function faultsText(r: FaultsResult): string {
  const lines = r.results.map((f) => {
    const p99 = (phase: string) => (f.puback[phase] === undefined ? '-' : ms(f.puback[phase].p99));
    return [
      `  ${f.fault}`,
      `    acknowledged ${f.acknowledged} = rows ${f.rows} + dead letters ${f.deadLetters}: ${findingsText(f.findings)}; given up by devices ${f.dropped}`,
      `    PUBACK p99 before / during / after ${p99('steady')} / ${p99('during')} / ${p99('after')} ms; ${f.acknowledgedMeanwhile} acknowledged during; fault ${f.faultSeconds.toFixed(1)} s, drained after ${f.drainSeconds.toFixed(1)} s`,
    ].join('\n');
  });
  return [`faults, ${r.devices} mutual-TLS devices, ${r.rate} readings/s`, ...lines].join('\n');
}
