import pg from 'pg';
import { defaultTenant } from '../../runtime/contracts/identifiers.ts';
import { upTopics } from '../../runtime/contracts/topics.ts';
import type { BenchDevice } from './devices.ts';
import { openConnection } from './load/connection.ts';
import { latencyRecorder, type Percentiles } from './load/latency.ts';
import { firstSeq, publishTemplate } from './load/packets.ts';
import type { BenchPlatform } from './platform.ts';

/**
 * Publish to queryable, as a user would see it: one device sends ten readings a second, and its shard is asked each
 * millisecond whether the row is there. Latency counts from the intended send time.
 */
export async function startProbe(platform: Pick<BenchPlatform, 'shards' | 'mqtt'>, device: BenchDevice) {
  const clients = platform.shards.map((connectionString) => new pg.Client({ connectionString }));
  for (const client of clients) await client.connect();
  const connection = await openConnection({ target: platform.mqtt, device });
  const template = publishTemplate(upTopics.events(device.id), 1, 150);
  const latency = latencyRecorder();
  let shards = clients;
  let running = true;
  let measuring = false;
  let seq = 0;
  let lost = 0;

  const visible = async (ts: number, number: number): Promise<boolean> => {
    for (const client of shards) {
      const { rowCount } = await client.query({
        name: 'bench-probe',
        text: 'select 1 from readings where tenant = $1 and device_id = $2 and ts = $3 and seq = $4',
        values: [defaultTenant, device.id, new Date(ts), firstSeq + number],
      });
      if (rowCount === 1) {
        shards = [client];
        return true;
      }
    }
    return false;
  };
  const loop = (async () => {
    let due = performance.now();
    while (running) {
      const wait = due - performance.now();
      if (wait > 0) await pause(wait);
      const ts = Date.now();
      const measured = measuring;
      connection.write(template.fill((seq % 65_535) + 1, ts, seq));
      while (!(await visible(ts, seq))) {
        if (performance.now() - due > 60_000) {
          lost++;
          break;
        }
        await pause(1);
      }
      if (measured) latency.record(performance.now() - due);
      seq++;
      // A probe that took long is not followed by a burst: the next one is due at the next tenth of a second.
      due = Math.max(due + 100, performance.now());
    }
  })();
  return {
    measure(on: boolean) {
      measuring = on;
    },
    async stop(): Promise<{ queryable: Percentiles; lost: number }> {
      running = false;
      await loop;
      await connection.close();
      for (const client of clients) await client.end();
      return { queryable: latency.percentiles(), lost };
    },
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
