import { defaultBackoff } from '../../../runtime/device/backoff.ts';
import { gatewayAdmission } from '../admission.ts';
import { type ReconnectPlan, type ReconnectResult, simulateReconnect } from './simulate.ts';

export type ReconnectOptions = {
  devices: number;
  pods: number;
  /** A core in a second, as `bench handshakes` measures. */
  handshakes: number;
  /** Percent of a gateway's core that handshakes get. */
  share: number;
  /** Longest ceiling of a device's back-off, seconds. */
  backoffMaxSeconds: number;
};

/** Milliseconds from the loss of all connections; of several seeds the one whose last device is latest. */
export type ReconnectTimes = { p50: number; p99: number; p999: number; last: number; back: number };

export type ReconnectBench = {
  bench: 'reconnect';
  options: ReconnectOptions;
  admission: ReconnectPlan['admission'];
  times: ReconnectTimes;
  /** The last device of each seed, milliseconds. */
  lasts: number[];
  attempts: number;
  turnedAway: number;
  givenUp: number;
  mostWaiting: number;
  mostInProgress: number;
  held: boolean;
  /** When the target is missed: the largest back-off ceiling of some with which it is held. */
  wayOut: { backoffMaxSeconds: number; last: number } | undefined;
};

/** All devices back within this, milliseconds (docs/architecture.md, numbers to hold). */
export const targetMs = 60_000;
export const shippedBackoffMaxSeconds = defaultBackoff.maxMs / 1_000;

const seeds = [1, 2, 3, 4, 5];
const limitMs = 900_000;
/** Three round trips (TCP, TLS 1.3, CONNECT) of 33 ms, a mobile network's. */
const networkMs = 100;
/** The device library's default `connectTimeoutMs`. */
const giveUpMs = 20_000;

/** A fleet that loses all its connections at one moment, simulated from measured parts. */
export function benchReconnect(options: ReconnectOptions): ReconnectBench {
  const runs = seeds.map((seed) => simulateReconnect(planOf(options), seeded(seed)));
  const worst = runs.reduce((a, b) => (lastOf(b, options) > lastOf(a, options) ? b : a));
  const last = lastOf(worst, options);
  const { perSecond, inProgress, waiting } = gatewayAdmission;
  return {
    bench: 'reconnect',
    options,
    admission: { perSecond, inProgress, waiting },
    times: { p50: at(worst, 0.5), p99: at(worst, 0.99), p999: at(worst, 0.999), last, back: worst.backAt.length },
    lasts: runs.map((run) => lastOf(run, options)),
    attempts: worst.attempts,
    turnedAway: worst.turnedAway,
    givenUp: worst.givenUp,
    mostWaiting: worst.mostWaiting,
    mostInProgress: worst.mostInProgress,
    held: last <= targetMs,
    wayOut: last <= targetMs ? undefined : wayOutOf(options),
  };
}

function wayOutOf(options: ReconnectOptions): ReconnectBench['wayOut'] {
  for (const backoffMaxSeconds of [90, 60, 45, 30, 20, 10]) {
    if (backoffMaxSeconds >= options.backoffMaxSeconds) continue;
    const plan = { ...planOf({ ...options, backoffMaxSeconds }), limitMs: targetMs };
    let last = 0;
    for (const seed of seeds) {
      last = Math.max(last, lastOf(simulateReconnect(plan, seeded(seed)), options));
      if (last > targetMs) break;
    }
    if (last <= targetMs) return { backoffMaxSeconds, last };
  }
  return undefined;
}

function planOf({ devices, pods, handshakes, share, backoffMaxSeconds }: ReconnectOptions): ReconnectPlan {
  return {
    devices,
    pods,
    handshakesPerCore: handshakes,
    share: share / 100,
    admission: gatewayAdmission,
    networkMs,
    giveUpMs,
    backoff: { ...defaultBackoff, maxMs: backoffMaxSeconds * 1_000 },
    limitMs,
  };
}

/** Infinite while one is still out. */
const lastOf = (run: ReconnectResult, { devices }: ReconnectOptions) =>
  run.backAt.length < devices ? Number.POSITIVE_INFINITY : (run.backAt.at(-1) ?? 0);

const at = ({ backAt }: ReconnectResult, share: number) =>
  backAt[Math.min(backAt.length - 1, Math.floor(share * backAt.length))] ?? Number.NaN;

/** Mulberry32: the same numbers for the same seed on every machine. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
