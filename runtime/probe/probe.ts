import type { Credentials } from '../device/enrol.ts';
import type { DeviceReading } from '../device/reading.ts';
import type { ProbeApi } from './api.ts';

/** In this order; each needs the one before. */
export const probeSteps = ['token', 'device', 'certificate', 'connect', 'publish', 'query'] as const;
export type ProbeStep = (typeof probeSteps)[number];

export type ProbeResult = {
  ok: boolean;
  totalMs: number;
  /** Milliseconds of each step that was finished. */
  steps: Partial<Record<ProbeStep, number>>;
  /** Where it ended, and why; null when it went through. */
  failed: { step: ProbeStep; why: string } | null;
};

/** A connected device: what the probe needs of the device library. */
export type ProbeDevice = {
  /** Resolves when the gateway has let it in. */
  connected: Promise<void>;
  /** Reports one reading; resolves with it when it is acknowledged. */
  publish(): Promise<DeviceReading>;
  /** Newest problem that the device told, for the reason of a failure. */
  problem(): string | undefined;
  stop(): Promise<void>;
};

export type ProbeParts = {
  deviceId: string;
  api: ProbeApi;
  /** Key, request, certificate. */
  enrol(token: string): Promise<Credentials>;
  /** Begins to connect. */
  device(credentials: Credentials): ProbeDevice;
  /** Ends every step, the device's own retries included. */
  signal: AbortSignal;
  now(): number;
  /** Between two questions whether the reading is there. */
  pause(): Promise<unknown>;
};

/**
 * Walks through the platform as a device and a program do: token, device, certificate, connection, one reading at QoS 1,
 * and the same reading from the API. Never throws: what failed is in the result.
 */
export async function probe(parts: ProbeParts): Promise<ProbeResult> {
  const { api, deviceId, signal, now } = parts;
  const began = now();
  const steps: ProbeResult['steps'] = {};
  let step: ProbeStep = 'token';
  let device: ProbeDevice | undefined;
  const timed = async <T>(name: ProbeStep, work: () => Promise<T>): Promise<T> => {
    step = name;
    const from = now();
    const done = await untilAborted(work(), signal);
    steps[name] = Math.round(now() - from);
    return done;
  };
  const ended = (failed: ProbeResult['failed']): ProbeResult => ({
    ok: failed === null,
    totalMs: Math.round(now() - began),
    steps,
    failed,
  });
  try {
    const token = await timed('token', () => api.token());
    await timed('device', () => api.ensureDevice(token, deviceId));
    const credentials = await timed('certificate', () => parts.enrol(token));
    const connected = parts.device(credentials);
    device = connected;
    await timed('connect', () => connected.connected);
    const reading = await timed('publish', () => connected.publish());
    await timed('query', () => queryable(parts, token, reading));
    return ended(null);
  } catch (error) {
    const told = device?.problem();
    const why = `${error instanceof Error ? error.message : String(error)}${told === undefined ? '' : ` (device: ${told})`}`;
    return ended({ step, why });
  } finally {
    await device?.stop();
  }
}

/** Asks until the newest reading is this one. */
async function queryable({ api, deviceId, signal, pause }: ProbeParts, token: string, reading: DeviceReading) {
  while (!signal.aborted) {
    const newest = await api.newest(token, deviceId);
    if (newest?.ts === reading.ts && newest.seq === reading.seq) return;
    await pause();
  }
}

/** Rejects with the signal's reason as soon as it is aborted, whatever the work does. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
