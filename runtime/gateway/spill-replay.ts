import { setTimeout as sleep } from 'node:timers/promises';
import { BusAwayError, type OutgoingMessage } from '../platform/bus/publisher.ts';
import type { Log } from '../platform/service/log.ts';
import type { BusRoutes } from './bus-routes.ts';
import type { SpillLog } from './spill-log.ts';

export type SpillReplay = { stop(): Promise<void> };

const checkMs = 200;
/** After a fault of the disk. */
const faultMs = 5_000;
const window = 500;

/** Moves the spill log's messages to the bus, oldest first, whenever the bus takes them; also those of the last process. */
export function replaySpill(spill: SpillLog, bus: BusRoutes, log: Log): SpillReplay {
  const stopping = new AbortController();
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping.signal }).catch(ignoreAbort);
  const run = async () => {
    while (!stopping.signal.aborted) {
      if (spill.backlog === 0 || !bus.admits()) await pause(checkMs);
      else if (!(await replaySegment(spill, bus, log))) await pause(faultMs);
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** @returns false when something beside the bus is at fault. */
async function replaySegment(spill: SpillLog, bus: BusRoutes, log: Log): Promise<boolean> {
  const publish = ({ data, attributes }: OutgoingMessage) => bus.publish(data, attributes);
  try {
    const messages = await spill.replayOldest(publish, () => (bus.state === 'up' ? window : 1));
    log.info({ messages, left: spill.backlog }, 'spilled messages are on the bus');
    return true;
  } catch (error) {
    const busAway = error instanceof BusAwayError;
    if (busAway) log.debug({ error }, 'spill replay waits for the bus');
    else log.error({ error }, 'spilled messages stay on disk; they are tried again');
    return busAway;
  }
}

function ignoreAbort(error: unknown): void {
  if ((error as Error).name !== 'AbortError') throw error;
}
