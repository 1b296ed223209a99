import { setTimeout as sleep } from 'node:timers/promises';
import { defaultTenant } from '../contracts/identifiers.ts';
import { deadLetterReasons } from '../contracts/telemetry.ts';
import type { BusClient } from '../platform/bus/client.ts';
import { createSubscriber, type HeldMessage } from '../platform/bus/subscriber.ts';
import type { ShardPools } from '../platform/database/shard-pools.ts';
import type { Log } from '../platform/service/log.ts';
import { readAttributes } from './attributes.ts';
import { type DeadLetter, deadMessage } from './interpret.ts';
import { writeDeadLetters } from './store.ts';

/**
 * Pub/Sub's own dead-letter topic is the last resort: what arrives there was delivered as often as the subscription
 * allows and never acknowledged. A dead-letter topic without a reader loses messages, so each becomes a row. The devices
 * service puts updates of devices there that it can never take, with its reason.
 */
export function startDeadLetterKeeper(
  options: { bus: BusClient; subscription: string; shards: ShardPools; onKept: (letters: number) => void },
  log: Log,
): { stop(withinMs: number): Promise<void> } {
  const { bus, subscription, shards, onKept } = options;
  const stopped = new AbortController();
  const subscriber = createSubscriber(
    bus,
    {
      subscription,
      maxMessages: 500,
      maxBytes: 33_554_432,
      onMessages: (messages) => void Promise.all(messages.map(keep)),
    },
    log,
  );

  const keep = async (held: HeldMessage) => {
    const letter = letterOf(held);
    for (let failures = 0; !stopped.signal.aborted; failures++) {
      try {
        await writeDeadLetters(shards.poolFor(letter.tenant, letter.device).pool, [letter]);
        onKept(1);
        log.warn({ trace: letter.message, device: letter.device }, 'Pub/Sub gave a message up; kept as a dead letter');
        return subscriber.ack([held]);
      } catch (error) {
        log.warn({ error: String(error) }, 'dead letter not kept yet; it stays leased');
        await sleep(Math.min(5_000, 200 * 2 ** Math.min(failures, 6)), undefined, { ref: false });
      }
    }
  };

  return {
    async stop(withinMs) {
      stopped.abort();
      await subscriber.close(withinMs);
    },
  };
}

function letterOf(held: HeldMessage): DeadLetter {
  const refused = refusalIn(held.attributes);
  const incoming = readAttributes(refused === undefined ? held : { ...held, attributes: asState(held.attributes) });
  if (refused !== undefined && typeof incoming !== 'string') return deadMessage(incoming, refused);
  const attempts = held.attributes['CloudPubSubDeadLetterSourceDeliveryCount'] ?? 'many';
  const detail = `Pub/Sub gave up after ${attempts} deliveries; the reason is in the log lines of this trace`;
  const refusal = { reason: 'delivery-attempts' as const, detail };
  if (typeof incoming !== 'string') return deadMessage(incoming, refusal);
  return deadMessage(
    {
      tenant: defaultTenant,
      device: 'unknown',
      kind: 'events',
      subfolder: '',
      message: held.id,
      received: Date.now(),
      data: held.data,
    },
    { ...refusal, detail: `${incoming}; ${detail}` },
  );
}

/** What the service that gave it up says of it. */
function refusalIn({ reason, detail = '' }: HeldMessage['attributes']) {
  const known = deadLetterReasons.find((each) => each === reason);
  return known === undefined ? undefined : { reason: known, detail };
}

/** A result of a command stands among dead letters as an update below its topic. */
function asState(attributes: HeldMessage['attributes']): HeldMessage['attributes'] {
  if (attributes['kind'] !== 'command-result') return attributes;
  return { ...attributes, kind: 'state', subfolder: `commands/${attributes['command'] ?? ''}/result` };
}
