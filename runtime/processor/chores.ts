import type pg from 'pg';
import type { LiveEvent } from '../contracts/bus.ts';
import type { AlertRule } from '../contracts/device-type.ts';
import type { Cache } from '../platform/cache/cache.ts';
import { deviceTypesChangedChannel, liveChannel } from '../platform/cache/keys.ts';
import { keepPartitions } from '../platform/database/partition-keeper.ts';
import type { ShardPools } from '../platform/database/shard-pools.ts';
import { dropResolvedLetters } from '../platform/dead-letters/retention.ts';
import type { Log } from '../platform/service/log.ts';
import { type AlertEvent, type Device, keyOf, runRules, sweepSilence } from './alert-worker.ts';
import { createLetterGauges } from './letter-gauges.ts';
import type { Settled } from './letters.ts';
import type { ProcessorMetrics } from './metrics.ts';
import { every } from './overflow.ts';
import type { Processor } from './processor.ts';
import { replayLetters } from './replay.ts';
import { rollUp } from './rollups.ts';
import { healStates, repairStates } from './state-repair.ts';

export type ChoreOptions = {
  core: pg.Pool;
  shards: ShardPools;
  cache: Cache;
  processor: Pick<Processor, 'types' | 'metrics' | 'status'>;
  keepDays: { readings: number; rollups: number; resolvedLetters: number };
  log: Log;
  now?: () => number;
};

/** What is done beside the path, each database by itself: one that is away holds up no other. */
export function startChores(options: ChoreOptions): { stop(): Promise<void> } {
  const { core, shards, cache, processor, keepDays, log, now = Date.now } = options;
  const ttlSeconds = keepDays.readings * 86_400;
  const { types, metrics } = processor;
  let caughtUpSince = Number.POSITIVE_INFINITY;

  const rulesOf = async (devices: readonly Device[]) => {
    const unknown = devices.filter(([tenant, device]) => types.get(tenant, device) === undefined);
    if (unknown.length > 0) await types.lookup(unknown);
    return new Map<string, readonly AlertRule[]>(
      devices.map((device) => [keyOf(device), types.get(device[0], device[1])?.alerts ?? []]),
    );
  };
  const tell = (events: readonly AlertEvent[]) => {
    for (const [tenant, some] of Map.groupBy(events, (event) => event.tenant)) {
      const live = some.map(
        ({ device, change }): LiveEvent => ({
          type: 'alert',
          device,
          alert: change.rule,
          state: change.change === 'open' ? 'open' : 'closed',
          at: change.at,
        }),
      );
      cache
        .publish(liveChannel(tenant), JSON.stringify(live))
        .catch((error: unknown) => log.debug({ error: String(error) }, 'live alerts not published'));
    }
  };
  const repeat = async (turn: () => Promise<boolean>) => {
    for (let turns = 0; turns < 50 && (await turn()); turns++);
  };

  const perDatabase = (name: string) => {
    const pool = () => shards.pool(name);
    const own = log.child({ database: name });
    return [
      every(1_000, 'rolling up', own, () =>
        repeat(async () => {
          const { minutes, more, failed } = await rollUp(pool(), now());
          metrics.rollupMinutes.inc(minutes);
          metrics.rollupFailures.inc(failed.length);
          for (const minute of failed) own.error(minute, 'a minute cannot be rolled up; its readings are stored');
          return more;
        }),
      ),
      every(500, 'running alert rules', own, () =>
        repeat(async () => {
          const { events, more } = await runRules(pool(), rulesOf);
          tell(events);
          return more;
        }),
      ),
      every(1_000, 'repairing states', own, () =>
        repeat(async () => {
          const repaired = await repairStates(pool(), cache, ttlSeconds);
          metrics.stateRepairs.inc(repaired);
          return repaired === 500;
        }),
      ),
      every(500, 'replaying dead letters', own, () =>
        repeat(async () => {
          const isHome = (tenant: string, device: string) => shards.databaseOf(tenant, device) === name;
          const replay = { types, isHome, retentionMs: ttlSeconds * 1_000, now };
          const { settled, more } = await replayLetters(pool(), replay);
          for (const one of settled) tellReplay(one, metrics, own);
          return more;
        }),
      ),
      every(600_000, 'keeping partitions', own, async () => {
        await keepPartitions(pool(), now(), keepDays, own);
        await dropResolvedLetters(pool(), now(), keepDays.resolvedLetters, own);
      }),
      every(5_000, 'looking for silence', own, async () => {
        // After an outage the backlog comes first: a device is not silent because we were.
        if (now() - caughtUpSince < silenceAfterMs) return;
        await repeat(async () => {
          const { events, more } = await sweepSilence(pool(), rulesOf, now());
          tell(events);
          return more;
        });
      }),
    ];
  };

  const loops = [
    ...shards.names().flatMap(perDatabase),
    every(2_000, 'healing states', log, async () => {
      await healStates({ core, shards, cache, ttlSeconds, log, now });
    }),
    every(1_000, 'watching the backlog', log, () => {
      if (!processor.status().caughtUp) caughtUpSince = Number.POSITIVE_INFINITY;
      else caughtUpSince = Math.min(caughtUpSince, now());
      return Promise.resolve();
    }),
    every(10_000, 'counting dead letters', log, createLetterGauges(shards, metrics, now)),
    every(10_000, 'counting open alerts', log, async () => {
      const { results } = await shards.fanOut(async (pool) => {
        const { rows } = await pool.query<{ n: string }>('select count(*) as n from alerts where closed_at is null');
        return Number(rows[0]?.n ?? 0);
      }, 5_000);
      metrics.openAlerts.set([...results.values()].reduce((sum, n) => sum + n, 0));
    }),
  ];
  const unsubscribe = cache.subscribe(deviceTypesChangedChannel(), {
    onMessage: (message) => {
      const [tenant = '', device] = message.split('/');
      types.forget(tenant, device);
    },
  });

  return {
    async stop() {
      unsubscribe();
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

const silenceAfterMs = 20_000;

/** What a replay came to, under the trace of the message that the letter was. */
function tellReplay({ letter, stored, refusal }: Settled, metrics: ProcessorMetrics, log: Log): void {
  const result = refusal === undefined ? 'stored' : 'failed';
  metrics.replays.inc({ result });
  metrics.stored.inc(stored);
  const { message: trace, tenant, device, id } = letter;
  log.info({ trace, tenant, device, letter: id, result, stored, reason: refusal?.reason }, 'dead letter replayed');
}
