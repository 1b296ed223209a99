import { Redis } from 'ioredis';
import pg from 'pg';
import { defaultTenant } from '../../../runtime/contracts/identifiers.ts';
import type { Values } from '../../../runtime/contracts/telemetry.ts';
import { stateKey } from '../../../runtime/platform/cache/keys.ts';
import { hashValues, type LedgerEntry } from '../../../runtime/simulator/ledger.ts';
import type { BenchPlatform } from '../platform.ts';
import type { Newest } from './ledger.ts';

/** What the platform has of these devices from `since` on, read from the stores themselves. */
export function storesOf(platform: BenchPlatform, devices: readonly string[], since: Date) {
  async function everyShard<T>(text: string): Promise<T[]> {
    const found: T[] = [];
    for (const connectionString of platform.shards) {
      const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000, query_timeout: 60_000 });
      // The end of a connection is told by the query that runs on it.
      client.on('error', () => undefined);
      await client.connect();
      try {
        // Not spread into push: 300,000 rows are more arguments than a call can have.
        for (const row of (await client.query(text, [defaultTenant, devices, since])).rows) found.push(row as T);
      } finally {
        await client.end();
      }
    }
    return found;
  }
  return {
    async counts(): Promise<{ rows: number; deadLetters: number }> {
      const rows = await everyShard<{ n: string }>(
        'select count(*) as n from readings where tenant = $1 and device_id = any($2) and ts >= $3',
      );
      const dead = await everyShard<{ n: string }>(
        'select count(*) as n from dead_letters where tenant = $1 and device_id = any($2) and created_at >= $3',
      );
      const sum = (list: { n: string }[]) => list.reduce((total, { n }) => total + Number(n), 0);
      return { rows: sum(rows), deadLetters: sum(dead) };
    },
    async rows(): Promise<LedgerEntry[]> {
      const found = await everyShard<{ device_id: string; ts: Date; seq: string; values: Values }>(
        'select device_id, ts, seq, values from readings where tenant = $1 and device_id = any($2) and ts >= $3',
      );
      return found.map((r) => ({
        device: r.device_id,
        ts: r.ts.getTime(),
        seq: Number(r.seq),
        hash: hashValues(r.values),
      }));
    },
    async deadLetters(): Promise<LedgerEntry[]> {
      const found = await everyShard<{ device_id: string; payload: Buffer }>(
        'select device_id, payload from dead_letters where tenant = $1 and device_id = any($2) and created_at >= $3',
      );
      return found.map((letter) => {
        const { ts, seq, values } = JSON.parse(letter.payload.toString()) as {
          ts: number;
          seq: number;
          values: Values;
        };
        return { device: letter.device_id, ts, seq, hash: hashValues(values) };
      });
    },
    /** From Redis itself: the API would answer from Postgres when Redis has nothing. */
    async newest(): Promise<Newest[]> {
      const redis = new Redis(platform.redis, { lazyConnect: true, maxRetriesPerRequest: 1 });
      redis.on('error', () => undefined);
      try {
        await redis.connect();
        const found: Newest[] = [];
        for (const device of devices) {
          const [ts, seq, payload] = await redis.hmget(
            platform.redisPrefix + stateKey(defaultTenant, device),
            'ts',
            'seq',
            'payload',
          );
          if (ts && seq && payload)
            found.push({ device, ts: Number(ts), seq: Number(seq), hash: hashValues(JSON.parse(payload) as Values) });
        }
        return found;
      } finally {
        redis.disconnect();
      }
    },
    async flushRedis(): Promise<void> {
      const redis = new Redis(platform.redis);
      try {
        await redis.flushall();
      } finally {
        redis.disconnect();
      }
    },
  };
}
export type Stores = ReturnType<typeof storesOf>;
