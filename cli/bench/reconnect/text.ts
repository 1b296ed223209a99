import { type ReconnectBench, targetMs } from './bench.ts';

export const secondsText = (ms: number) => (Number.isFinite(ms) ? `${(ms / 1_000).toFixed(1)} s` : 'never');

export function reconnectVerdict({ held, wayOut }: ReconnectBench): string {
  const target = `all back within ${targetMs / 1_000} s`;
  if (held) return `${target}: holds`;
  return wayOut === undefined
    ? `${target}: FAILS, whatever the back-off; more pods, or a higher admission rate with the cores for it`
    : `${target}: FAILS; it holds with a back-off ceiling of ${wayOut.backoffMaxSeconds} s (last one back after ${secondsText(wayOut.last)})`;
}

export function reconnectText(r: ReconnectBench): string {
  const { devices, pods, handshakes, share, backoffMaxSeconds } = r.options;
  const { perSecond, inProgress, waiting } = r.admission;
  return [
    `reconnect, ${devices} devices lose their connections at one moment, ${pods} gateway pods (simulated)`,
    `  a pod                  ${handshakes} handshakes/s a core, ${share} % of it for them; admits ${perSecond}/s, ${inProgress} at one time, ${waiting} waiting`,
    `  a device               full jitter, at most 1, 2, 4 … ${backoffMaxSeconds} s`,
    `  back                   half ${secondsText(r.times.p50)}, 99 % ${secondsText(r.times.p99)}, 99.9 % ${secondsText(r.times.p999)}, last ${secondsText(r.times.last)} (${r.lasts.map(secondsText).join(', ')} of each seed)`,
    `  attempts               ${r.attempts}, ${r.turnedAway} turned away, ${r.givenUp} given up; at most ${r.mostWaiting} waited, ${r.mostInProgress} in progress`,
    `  verdict                ${reconnectVerdict(r)}`,
  ].join('\n');
}
