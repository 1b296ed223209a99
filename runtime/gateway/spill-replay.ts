import { setTimeout as sleep } from 'node:timers/promises';
import { BusAwayError, MessageRefusedError, type Publisher } from '../platform/bus/publisher.ts';
import type { Log } from '../platform/service/log.ts';
import type { SpillLog } from './spill-log.ts';

export type SpillReplay = { stop(): Promise<void> };

const checkMs = 200;
const window = 500;

/** Moves the spill log's messages to the bus, oldest first, whenever the bus takes them; also those of the last process. */
export function replaySpill(spill: SpillLog, bus: Publisher, log: Log): SpillReplay {
  const stopping = new AbortController();
  const run = async () => {
    while (!stopping.signal.aborted) {
      if (spill.backlog > 0 && bus.admits()) await replaySegment(spill, bus, log);
      else await sleep(checkMs, undefined, { signal: stopping.signal }).catch(ignoreAbort);
    }
  };
  const running = run().catch((error: unknown) => {
    log.error({ error }, 'spill replay stopped; its messages stay on disk');
  });
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

async function replaySegment(spill: SpillLog, bus: Publisher, log: Log): Promise<void> {
  const publish = (message: { data: Buffer; attributes: Record<string, string> }) =>
    bus.publish(message.data, message.attributes).catch((error: unknown) => {
      // One message that the bus will never take must not keep the others from it.
      if (!(error instanceof MessageRefusedError)) throw error;
      log.error({ error, attributes: message.attributes }, 'a spilled message is refused by the bus and dropped');
    });
  try {
    const messages = await spill.replayOldest(publish, () => (bus.state === 'up' ? window : 1));
    log.info({ messages, left: spill.backlog }, 'spilled messages are on the bus');
  } catch (error) {
    if (!(error instanceof BusAwayError)) throw error;
    log.debug({ error }, 'spill replay waits for the bus');
  }
}

function ignoreAbort(error: unknown): void {
  if ((error as Error).name !== 'AbortError') throw error;
}
