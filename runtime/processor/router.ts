import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../platform/service/log.ts';
import { type RawMessage, readAttributes } from './attributes.ts';
import type { CompiledType } from './device-type.ts';
import type { DeviceTypes } from './device-types.ts';
import { deadMessage, type Incoming, interpret } from './interpret.ts';
import type { Work } from './lane.ts';
import { readState } from './reported-state.ts';

/** A message from the bus or out of the parking, and what to call when all of it is durable. */
export type Arrival = { raw: RawMessage; done: () => void; parked: boolean };

export type RouterOptions = {
  types: Pick<DeviceTypes, 'get' | 'lookup'>;
  retentionMs: number;
  /** Into the lane of the device's database. */
  send: (work: Work) => void;
  onCoreAway: (error: unknown) => void;
  onCoreBack: () => void;
  log: Log;
  now: () => number;
};

export type Router = {
  accept(arrival: Arrival): void;
  /** Messages whose device's type is not known yet. */
  readonly waiting: number;
  readonly coreAway: boolean;
  /** Takes up to `max` of the newest waiting messages, which then are the caller's. */
  takeLast(max: number): { arrival: Arrival; incoming: Incoming }[];
  stop(): void;
};

/** From a message to the work of one lane. Messages of devices not seen before wait together for one look-up. */
export function createRouter(options: RouterOptions): Router {
  const { types, retentionMs, send, log, now } = options;
  let waiting: { arrival: Arrival; incoming: Incoming; since: number }[] = [];
  let looking = false;
  let coreAway = false;
  const stopped = new AbortController();

  const accept = (arrival: Arrival) => {
    const incoming = readAttributes(arrival.raw);
    if (typeof incoming === 'string') {
      // Nobody but a gateway of ours may publish here; there is no tenant whose dead letter this could be.
      log.error({ why: incoming, bytes: arrival.raw.data.length }, 'message without our attributes dropped');
      arrival.done();
      return;
    }
    const type = types.get(incoming.tenant, incoming.device);
    if (type !== undefined) return route(arrival, incoming, type, now());
    waiting.push({ arrival, incoming, since: now() });
    if (!looking) void lookUp();
  };

  const route = (arrival: Arrival, incoming: Incoming, type: CompiledType | null, since: number) => {
    const { tenant, device, message, received } = incoming;
    const base = {
      raw: arrival.raw,
      message,
      tenant,
      device,
      received,
      since,
      done: arrival.done,
      parked: arrival.parked,
    };
    const nothing = { rows: [], deadLetters: [], state: undefined, watched: false };
    if (type === null) {
      const detail = `device '${device}' is not registered in tenant '${tenant}'`;
      return send({ ...base, ...nothing, deadLetters: [deadMessage(incoming, { reason: 'unknown-device', detail })] });
    }
    if (incoming.kind === 'state') {
      const state = readState(incoming.data);
      if (typeof state !== 'string')
        return send({ ...base, ...nothing, deadLetters: [deadMessage(incoming, { reason: 'malformed', ...state })] });
      return send({ ...base, ...nothing, state: { tenant, device, message, received, json: state } });
    }
    const { rows, deadLetters } = read(incoming, type);
    send({ ...base, rows, deadLetters, state: undefined, watched: type.alerts.length > 0 && rows.length > 0 });
  };

  /** A message that we fail on, by a mistake of ours, is a dead letter: thrown from here it would come again for ever. */
  const read = (incoming: Incoming, type: CompiledType) => {
    try {
      return interpret(incoming, type, retentionMs);
    } catch (error) {
      const { tenant, device, message: trace } = incoming;
      log.error({ trace, tenant, device, error: String(error) }, 'message could not be read; it is a dead letter');
      const detail = `the processor failed on it: ${String(error).slice(0, 200)}`;
      return { rows: [], deadLetters: [deadMessage(incoming, { reason: 'rejected', detail })] };
    }
  };

  const lookUp = async () => {
    looking = true;
    for (let failures = 0; waiting.length > 0 && !stopped.signal.aborted; ) {
      const some = waiting.splice(0, 2_000);
      const devices = new Map(
        some.map(({ incoming: i }) => [`${i.tenant}/${i.device}`, [i.tenant, i.device] as const]),
      );
      try {
        await types.lookup([...devices.values()]);
        failures = 0;
        if (coreAway) options.onCoreBack();
        coreAway = false;
        for (const { arrival, incoming, since } of some)
          route(arrival, incoming, types.get(incoming.tenant, incoming.device) ?? null, since);
      } catch (error) {
        waiting = [...some, ...waiting];
        coreAway = true;
        options.onCoreAway(error);
        await sleep(Math.min(2_000, 100 * 2 ** failures++), undefined, { ref: false });
      }
    }
    looking = false;
  };

  return {
    accept,
    get waiting() {
      return waiting.length;
    },
    get coreAway() {
      return coreAway;
    },
    takeLast(max) {
      const fresh = waiting.filter((w) => !w.arrival.parked).slice(-max);
      const taken = new Set(fresh);
      waiting = waiting.filter((w) => !taken.has(w));
      return fresh;
    },
    stop: () => stopped.abort(),
  };
}
