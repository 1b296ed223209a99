import type pg from 'pg';
import type { Registry } from 'prom-client';
import type { BusClient } from '../platform/bus/client.ts';
import { createSubscriber } from '../platform/bus/subscriber.ts';
import type { Cache } from '../platform/cache/cache.ts';
import { makePartitionsFor } from '../platform/database/partition-keeper.ts';
import type { ShardPools } from '../platform/database/shard-pools.ts';
import type { Log } from '../platform/service/log.ts';
import type { Tracing } from '../platform/service/trace.ts';
import { createDeviceTypes } from './device-types.ts';
import { Lane, type Work } from './lane.ts';
import { createProcessorMetrics } from './metrics.ts';
import { every, planParking } from './overflow.ts';
import { park, parkedFor, takeParked, unpark } from './parking.ts';
import { type Arrival, createRouter } from './router.ts';
import { createStateWriter } from './state-writer.ts';
import { type Batch, writeBatch } from './store.ts';

export type ProcessorSettings = {
  subscription: string;
  batchRows: number;
  batchMs: number;
  maxOutstandingMessages: number;
  maxOutstandingBytes: number;
  /** See `SubscriberOptions`. */
  leaseSeconds?: number;
  retentionDays: number;
};

export type ProcessorDeps = {
  bus: BusClient;
  core: pg.Pool;
  shards: ShardPools;
  cache: Cache;
  metrics: Registry;
  tracing: Tracing;
  log: Log;
  now?: () => number;
  random?: () => number;
};

export type Processor = {
  /** Messages held, messages waiting by lane, what is away. */
  status(): { held: number; connected: boolean; away: string[]; waiting: number; caughtUp: boolean };
  types: ReturnType<typeof createDeviceTypes>;
  metrics: ReturnType<typeof createProcessorMetrics>;
  stop(withinMs: number): Promise<void>;
};

const dayMs = 86_400_000;

/** The path of a message: bus, router, lane, Postgres, Redis, acknowledgement. */
export function startProcessor(settings: ProcessorSettings, deps: ProcessorDeps): Processor {
  const { bus, core, shards, cache, tracing, log, now = Date.now, random = Math.random } = deps;
  const metrics = createProcessorMetrics(deps.metrics);
  const states = createStateWriter(cache, settings.retentionDays * 86_400, log, now);
  const types = createDeviceTypes(core, { now }, log);
  const lanes = new Map<string, Lane>();
  /** Messages of one database in memory; the others' share of what may be held stays free. */
  const bound = Math.max(1, Math.floor(settings.maxOutstandingMessages / 4));

  const write = async (name: string, works: readonly Work[]) => {
    const pool = shards.pool(name);
    const batch = toBatch(works);
    const stored = await writeBatch(pool, batch, makePartitionsFor);
    const committed = now();
    metrics.stored.inc(stored.inserted);
    metrics.duplicates.inc(stored.duplicates);
    for (const letter of stored.deadLetters) metrics.deadLetters.inc({ reason: letter.reason });
    metrics.batchRows.observe(batch.rows.length);
    for (const work of works) {
      metrics.queryableSeconds.observe(Math.max(0, committed - work.received) / 1000);
      tellWay(log, work, name);
      endSpan(tracing, work, name);
    }
    await states.write(pool, batch.rows, stored.changed);
  };

  const laneOf = (name: string): Lane => {
    let lane = lanes.get(name);
    if (lane === undefined) {
      lane = new Lane({
        batchRows: settings.batchRows,
        batchMs: settings.batchMs,
        inFlight: 2,
        write: (works) => write(name, works),
        onAway: (error) => {
          metrics.away.set({ database: name }, 1);
          log.warn({ database: name, error: String(error) }, 'database does not take rows; its messages are kept');
        },
        onBack: () => {
          metrics.away.set({ database: name }, 0);
          log.info({ database: name }, 'database takes rows again');
        },
        now,
        random,
      });
      lanes.set(name, lane);
    }
    return lane;
  };

  const router = createRouter({
    types,
    retentionMs: settings.retentionDays * dayMs,
    send: (work) => laneOf(shards.databaseOf(work.tenant, work.device)).add(work),
    onCoreAway: (error) => log.warn({ error: String(error) }, 'core is away; devices not seen before wait'),
    onCoreBack: () => log.info('core is back'),
    log,
    now,
  });

  const subscriber = createSubscriber(
    bus,
    {
      subscription: settings.subscription,
      maxMessages: settings.maxOutstandingMessages,
      maxBytes: settings.maxOutstandingBytes,
      ...(settings.leaseSeconds === undefined ? {} : { leaseSeconds: settings.leaseSeconds }),
      onMessages: (messages) => {
        metrics.received.inc(messages.length);
        for (const held of messages) router.accept({ raw: held, done: () => subscriber.ack([held]), parked: false });
      },
    },
    log,
  );

  /** Surplus of a database that is away goes into one that is there, and is acknowledged when it lies there. */
  const relieve = async () => {
    const fills = shards.names().map((name) => {
      const lane = laneOf(name);
      metrics.waiting.set({ database: name }, lane.waiting);
      const oldestMs = lane.oldest === undefined ? 0 : now() - lane.oldest;
      return { name, waiting: lane.waiting, away: lane.away, oldestMs };
    });
    metrics.held.set(subscriber.held);
    metrics.paused.set(subscriber.full && fills.some((lane) => lane.away) ? 1 : 0);
    for (const { from, to, messages } of planParking(fills, bound)) {
      const works = laneOf(from).takeLast(Math.min(messages, 1_000));
      if (!(await parkOrGiveBack(to, from, works, () => laneOf(from).giveBack(works)))) continue;
      for (const work of works) work.done();
    }
    const host = fills.find((lane) => !lane.away)?.name;
    if (router.coreAway && router.waiting > bound && host !== undefined) {
      const taken = router.takeLast(1_000);
      const messages = taken.map(({ arrival, incoming }) => ({ message: incoming.message, raw: arrival.raw }));
      const giveBack = () => {
        for (const { arrival } of taken) router.accept(arrival);
      };
      if (await parkOrGiveBack(host, 'core', messages, giveBack)) for (const { arrival } of taken) arrival.done();
    }
  };

  const parkOrGiveBack = async (
    to: string,
    waitsFor: string,
    messages: readonly { message: string; raw: Arrival['raw'] }[],
    giveBack: () => void,
  ): Promise<boolean> => {
    if (messages.length === 0) return false;
    try {
      if (await park(shards.pool(to), waitsFor, messages)) {
        metrics.parked.inc(messages.length);
        return true;
      }
      log.error({ database: to }, 'parking is full; the pull stops until a database is back');
    } catch (error) {
      log.warn({ database: to, error: String(error) }, 'messages not parked; they stay in memory');
    }
    giveBack();
    return false;
  };

  /** What waits for something that is there again goes its ordinary way. */
  const fetchParked = async () => {
    for (const host of shards.names()) {
      if (laneOf(host).away) continue;
      const pool = shards.pool(host);
      for (const waitsFor of await parkedFor(pool)) {
        const lane = waitsFor === 'core' ? undefined : laneOf(waitsFor);
        // Probing is the lane's business: parked messages come when it has nothing else, and not when it is away.
        if (lane === undefined ? router.coreAway : lane.away || lane.waiting > bound / 4) continue;
        await passOn(pool, waitsFor);
      }
    }
  };

  const passOn = async (pool: pg.Pool, waitsFor: string) => {
    const parked = await takeParked(pool, waitsFor, 500, 60);
    const gone: string[] = [];
    await new Promise<void>((resolve) => {
      if (parked.length === 0) return resolve();
      // A database that goes away again meanwhile must not hold up this loop: the rest stays taken, then comes again.
      const limit = setTimeout(resolve, 10_000);
      for (const { id, raw } of parked)
        router.accept({
          raw,
          parked: true,
          done: () => {
            gone.push(id);
            if (gone.length < parked.length) return;
            clearTimeout(limit);
            resolve();
          },
        });
    });
    if (gone.length > 0) await unpark(pool, gone);
  };

  const loops = [
    every(50, 'relieving a full lane', log, relieve),
    every(500, 'fetching parked messages', log, fetchParked),
  ];

  return {
    types,
    metrics,
    status() {
      const away = [...lanes].filter(([, lane]) => lane.away).map(([name]) => name);
      if (router.coreAway) away.push('core');
      const waiting = [...lanes.values()].reduce((sum, lane) => sum + lane.waiting, router.waiting);
      const late = [...lanes.values()].some((lane) => lane.oldest !== undefined && now() - lane.oldest > 5_000);
      const caughtUp = away.length === 0 && subscriber.connected && !late && !subscriber.full;
      return { held: subscriber.held, connected: subscriber.connected, away, waiting, caughtUp };
    },
    async stop(withinMs) {
      subscriber.stopPulling();
      await Promise.all(loops.map((loop) => loop.stop()));
      await Promise.all([...lanes.values()].map((lane) => lane.drain(withinMs)));
      await subscriber.close(withinMs);
      router.stop();
      types.stop();
      for (const lane of lanes.values()) lane.stop();
    },
  };
}

function toBatch(works: readonly Work[]): Batch {
  if (works.length === 1) {
    const [work] = works as [Work];
    return {
      rows: work.rows,
      deadLetters: work.deadLetters,
      states: work.state === undefined ? [] : [work.state],
      alertDevices: work.watched ? [[work.tenant, work.device]] : [],
    };
  }
  const rows: Batch['rows'][number][] = [];
  const deadLetters: Batch['deadLetters'][number][] = [];
  const states: Batch['states'][number][] = [];
  const watched = new Map<string, readonly [string, string]>();
  for (const work of works) {
    for (const row of work.rows) rows.push(row);
    for (const letter of work.deadLetters) deadLetters.push(letter);
    if (work.state !== undefined) states.push(work.state);
    if (work.watched) watched.set(`${work.tenant}/${work.device}`, [work.tenant, work.device]);
  }
  return { rows, deadLetters, states, alertDevices: [...watched.values()] };
}

/** One line a message at debug; at info for the 1 in 256 whose id ends in 00, so that a way can be followed anywhere. */
function tellWay(log: Log, work: Work, database: string): void {
  if (!work.message.endsWith('00') && !log.isLevelEnabled('debug')) return;
  const { message: trace, tenant, device, rows, deadLetters, received } = work;
  const line = { trace, tenant, device, database, readings: rows.length, deadLetters: deadLetters.length, received };
  if (work.message.endsWith('00')) log.info(line, 'message stored');
  else log.debug(line, 'message stored');
}

function endSpan(tracing: Tracing, work: Work, database: string): void {
  const { traceparent } = work.raw.attributes;
  if (traceparent !== undefined)
    tracing.spanFor('processor.store', { traceparent }, { database }, { start: work.since })?.end();
}
