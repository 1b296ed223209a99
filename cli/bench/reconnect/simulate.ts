import { type BackoffBounds, fullJitter } from '../../../runtime/device/backoff.ts';
import { TokenBucket } from '../../../runtime/gateway/token-bucket.ts';

export type ReconnectPlan = {
  devices: number;
  pods: number;
  /** Handshakes that a core does in a second, identity check included; a gateway does them on one core. */
  handshakesPerCore: number;
  /** Part of that core which handshakes get, 0 to 1; the rest belongs to what connected devices send. */
  share: number;
  /** The gateway's admission, a pod. */
  admission: { perSecond: number; inProgress: number; waiting: number };
  /** From the TCP connection to the last answer, beside the gateway's own work, milliseconds. */
  networkMs: number;
  /** A device gives a connection up after this, milliseconds. */
  giveUpMs: number;
  backoff: BackoffBounds;
  /** Ends the simulation, milliseconds. */
  limitMs: number;
};

export type ReconnectResult = {
  /** When each device that came back was back, milliseconds, rising. */
  backAt: number[];
  attempts: number;
  /** Connections that a gateway closed because too many waited. */
  turnedAway: number;
  /** Connections that a device gave up. */
  givenUp: number;
  /** Handshakes begun in each second, of the pod that began most. */
  busiest: number[];
  mostInProgress: number;
  mostWaiting: number;
};

/** `attempt` rises with each connection: what a gateway still does for an older one is for nobody. */
type Device = { failures: number; attempt: number; back: boolean };
type Connection = { device: number; attempt: number };
type Pod = {
  rate: TokenBucket;
  waiting: Connection[];
  /** `work`: handshakes left of it, 1 to 0; `network`: not done before this. */
  working: (Connection & { work: number; network: number })[];
  credit: number;
  begun: number[];
};

/**
 * Every device loses its connection at one moment, and all pods are there to be connected to. Steps of a millisecond
 * over the platform's own parts: the device library's back-off, the gateway's token bucket and its bounds (listener.ts).
 * Pods are picked at random, as a load balancer does. Pure: randomness comes in.
 */
export function simulateReconnect(plan: ReconnectPlan, random: () => number): ReconnectResult {
  const devices: Device[] = Array.from({ length: plan.devices }, () => ({ failures: 0, attempt: 0, back: false }));
  const pods: Pod[] = Array.from({ length: plan.pods }, () => ({
    rate: new TokenBucket(plan.admission.perSecond, 0, 1),
    waiting: [],
    working: [],
    credit: 0,
    begun: [],
  }));
  const due = new Map<number, number[]>();
  const patience: (Connection & { until: number })[] = [];
  const result: ReconnectResult = {
    backAt: [],
    attempts: 0,
    turnedAway: 0,
    givenUp: 0,
    busiest: [],
    mostInProgress: 0,
    mostWaiting: 0,
  };
  const workPerMs = (plan.handshakesPerCore * plan.share) / 1_000;

  const retryLater = (id: number, now: number) => {
    const device = devices[id] as Device;
    device.attempt++;
    const at = now + 1 + fullJitter(device.failures++, plan.backoff, random);
    const list = due.get(at);
    if (list === undefined) due.set(at, [id]);
    else list.push(id);
  };
  const connect = (id: number, now: number) => {
    result.attempts++;
    const pod = pods[Math.floor(random() * pods.length)] as Pod;
    if (pod.waiting.length >= plan.admission.waiting) {
      result.turnedAway++;
      retryLater(id, now);
      return;
    }
    const connection = { device: id, attempt: (devices[id] as Device).attempt };
    pod.waiting.push(connection);
    patience.push({ ...connection, until: now + plan.giveUpMs });
  };
  const waitsFor = ({ device, attempt }: Connection) => {
    const { back, attempt: newest } = devices[device] as Device;
    return !back && attempt === newest;
  };
  // The gateway learns of it when it answers: the connection keeps its place, its token and its work.
  const giveUp = (now: number) => {
    while (patience.length > 0 && (patience[0] as { until: number }).until <= now) {
      const first = patience.shift() as Connection;
      if (!waitsFor(first)) continue;
      result.givenUp++;
      retryLater(first.device, now);
    }
  };
  const begin = (pod: Pod, now: number) => {
    while (pod.waiting.length > 0 && pod.working.length < plan.admission.inProgress && pod.rate.take(now)) {
      pod.working.push({ ...(pod.waiting.shift() as Connection), work: 1, network: now + plan.networkMs });
      const second = Math.floor(now / 1_000);
      pod.begun[second] = (pod.begun[second] ?? 0) + 1;
    }
  };
  const work = (pod: Pod, now: number) => {
    // A core that had nothing to do saves nothing for later.
    pod.credit = Math.min(pod.credit + workPerMs, pod.working.some((w) => w.work > 0) ? Number.POSITIVE_INFINITY : 0);
    for (const each of pod.working) {
      if (pod.credit <= 0) break;
      const done = Math.min(each.work, pod.credit);
      each.work -= done;
      pod.credit -= done;
    }
    pod.working = pod.working.filter((each) => {
      if (each.work > 1e-9 || now < each.network) return true;
      if (waitsFor(each)) {
        (devices[each.device] as Device).back = true;
        result.backAt.push(now);
      }
      return false;
    });
  };

  for (let id = 0; id < plan.devices; id++) retryLater(id, -1);
  for (let now = 0; now <= plan.limitMs && result.backAt.length < plan.devices; now++) {
    for (const id of due.get(now) ?? []) connect(id, now);
    due.delete(now);
    giveUp(now);
    for (const pod of pods) {
      result.mostWaiting = Math.max(result.mostWaiting, pod.waiting.length);
      begin(pod, now);
      result.mostInProgress = Math.max(result.mostInProgress, pod.working.length);
      if (pod.working.length > 0) work(pod, now);
      else pod.credit = 0;
    }
  }
  const seconds = Math.max(0, ...pods.map((pod) => pod.begun.length));
  result.busiest = Array.from({ length: seconds }, (_, s) => Math.max(...pods.map((pod) => pod.begun[s] ?? 0)));
  return result;
}
