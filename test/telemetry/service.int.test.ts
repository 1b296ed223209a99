import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '../../runtime/contracts/http/operation.ts';
import type { Alert, FleetSummary, HistoryPoint, State } from '../../runtime/contracts/http/telemetry.ts';
import { stateKey } from '../../runtime/platform/cache/keys.ts';
import { newestState } from '../../runtime/platform/cache/scripts/newest-state.ts';
import { logicalShard } from '../../runtime/platform/database/shards.ts';
import { rollUp } from '../../runtime/processor/rollups.ts';
import { until } from '../devices/harness.ts';
import { takeAway } from '../support/database-away.ts';
import { type Ask, askAs } from '../support/internal.ts';
import { type Reading, type TelemetryStand, telemetryStand } from './harness.ts';

type Degraded = { missingShards?: number[]; parts?: string[] };
type Page<T> = { items: T[]; next: string | null; degraded?: Degraded };
type History = Page<HistoryPoint> & { resolution: string };
type Aggregate = Page<{ ts: string; devices: number; count: number; min: number; max: number; avg: number }>;

let stand: TelemetryStand;
let ask: Ask;
beforeAll(async () => {
  stand = await telemetryStand();
  ask = askAs(stand.service.port);
});
afterAll(() => stand?.stop());

const minute = 60_000;
const hour = 60 * minute;
const fields = (body: unknown) => (body as Problem).errors?.map((e) => e.field) ?? [];
const query = (values: Record<string, string | number>) =>
  new URLSearchParams(Object.entries(values).map(([k, v]) => [k, String(v)]));
const history = async (device: string, values: Record<string, string | number>) => {
  const answer = await ask('GET', `/internal/v1/devices/${encodeURIComponent(device)}/history?${query(values)}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body as History;
};
/** All pages of a listing. */
const all = async <T>(
  path: string,
  values: Record<string, string | number>,
  each?: (page: Page<T>) => Promise<void>,
) => {
  const items: T[] = [];
  let next: string | null = '';
  while (next !== null) {
    const answer = await ask('GET', `${path}?${query({ ...values, ...(next === '' ? {} : { cursor: next }) })}`);
    expect(answer.status, answer.text).toBe(200);
    const page = answer.body as Page<T>;
    items.push(...page.items);
    await each?.(page);
    next = page.next;
  }
  return items;
};

describe('newest state', () => {
  const state = (device: string, as = ask) => as('GET', `/internal/v1/devices/${device}/state`);
  const cached = (device: string, ts: number, values: unknown) =>
    stand.cache.run(newestState, {
      key: stateKey('main', device),
      ts,
      seq: 3,
      payload: JSON.stringify(values),
      ttlSeconds: 600,
    });

  it('is from Redis, and from the store when Redis has none', async () => {
    const ts = Date.now() - 10_000;
    await stand.store('state-1', [
      { ts, seq: 1, values: { t: 1 } },
      { ts, seq: 2, values: { t: 2 } },
      { ts: ts - 1, seq: 9, values: { t: 0 } },
    ]);
    // The service is ready without Redis, so its first answers may come before it is connected.
    await until('Redis is up', async () => ((await state('state-1')).body as State).degraded === undefined);
    expect((await state('state-1')).body).toEqual({
      device: 'state-1',
      ts: new Date(ts).toISOString(),
      seq: 2,
      values: { t: 2 },
      source: 'store',
    });
    await cached('state-1', ts + 5, { t: 3 });
    expect((await state('state-1')).body).toEqual({
      device: 'state-1',
      ts: new Date(ts + 5).toISOString(),
      seq: 3,
      values: { t: 3 },
      source: 'cache',
    });
  });

  it('of a device without readings is 404, and of another tenant too', async () => {
    expect((await state('state-none')).status).toBe(404);
    await cached('state-2', Date.now(), { t: 1 });
    expect((await state('state-2', askAs(stand.service.port, 'other'))).status).toBe(404);
  });

  it('is from the store and marked so while Redis is away', async () => {
    const ts = Date.now() - 10_000;
    await stand.store('state-3', [{ ts, values: { t: 1 } }]);
    await cached('state-3', ts, { t: 1 });
    await stand.redis.stop();
    try {
      await until(
        'the service sees Redis away',
        async () => ((await state('state-3')).body as State).source === 'store',
      );
      expect((await state('state-3')).body).toMatchObject({
        values: { t: 1 },
        source: 'store',
        degraded: { parts: ['cache'] },
      });
    } finally {
      await stand.redis.start();
    }
    await until('Redis is back', async () => ((await state('state-3')).body as State).degraded === undefined);
  });
});

describe('history', () => {
  const now = Date.now();
  const values = (n: number) => ({ t: 20 + (n % 7) / 2, n, on: n % 2 === 0, 'door.open': n % 3 === 0, name: 'x' });

  it('in raw pages has every reading once, in order, while more come in', async () => {
    const device = 'hist-raw';
    const start = now - 2 * hour;
    const readings = Array.from(
      { length: 50 },
      (_, n): Reading => ({ ts: start + Math.floor(n / 3) * 1_000, seq: n % 3, values: values(n) }),
    );
    await stand.store(device, readings);
    let extra = 0;
    const items = await all<HistoryPoint>(
      `/internal/v1/devices/${device}/history`,
      { from: start, to: now, resolution: 'raw', limit: 7 },
      async () => {
        extra++;
        await stand.store(device, [
          { ts: start + 500 + extra, values: { t: 0 } },
          { ts: start + hour + extra, values: { t: 1 } },
        ]);
      },
    );
    const keys = items.map((i) => `${i.ts}/${i.seq}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toEqual([...keys].sort());
    for (const reading of readings) expect(keys).toContain(`${new Date(reading.ts).toISOString()}/${reading.seq}`);
    expect(items[0]).toEqual({ ts: new Date(start).toISOString(), seq: 0, values: values(0) });
  });

  it('is half-open: `from` is in it, `to` is not', async () => {
    const at = now - hour;
    stand.devices.known.add('hist-edge');
    await stand.store(
      'hist-edge',
      [at - 1, at, at + 1_000].map((ts) => ({ ts, values: { t: 1 } })),
    );
    const page = await history('hist-edge', { from: at, to: at + 1_000, resolution: 'raw' });
    expect(page.items.map((i) => i.ts)).toEqual([new Date(at).toISOString()]);
    expect((await history('hist-edge', { from: at, to: at, resolution: 'raw' })).items).toEqual([]);
  });

  it('of one metric has nothing else in it', async () => {
    const ts = now - hour;
    await stand.store('hist-one', [
      { ts, values: { 'door.open': true, t: 1 } },
      { ts: ts + 1, values: { t: 2 } },
    ]);
    const page = await history('hist-one', { from: ts, to: now, metric: 'door.open', resolution: 'raw' });
    expect(page.items).toEqual([{ ts: new Date(ts).toISOString(), seq: 0, values: { 'door.open': true } }]);
  });

  /** Recomputed here from the readings alone. */
  const recomputed = (readings: readonly Reading[], size: number) => {
    const buckets = new Map<number, Map<string, number[]>>();
    for (const { ts, values: some } of readings)
      for (const [metric, value] of Object.entries(some)) {
        if (typeof value !== 'number') continue;
        const bucket = buckets.get(Math.floor(ts / size) * size) ?? new Map<string, number[]>();
        buckets.set(Math.floor(ts / size) * size, bucket);
        bucket.set(metric, [...(bucket.get(metric) ?? []), value]);
      }
    return [...buckets]
      .sort(([a], [b]) => a - b)
      .map(([ts, metrics]) => ({
        ts: new Date(ts).toISOString(),
        aggregates: Object.fromEntries(
          [...metrics].map(([metric, list]) => {
            const sum = list.reduce((a, b) => a + b, 0);
            return [
              metric,
              { count: list.length, min: Math.min(...list), max: Math.max(...list), sum, avg: sum / list.length },
            ];
          }),
        ),
      }));
  };

  it('in minutes and hours equals the readings: rolled up, late, and of this very minute', async () => {
    const device = 'hist-roll';
    const start = Math.floor(now / hour) * hour - 4 * hour;
    const end = Date.now();
    const readings = Array.from(
      { length: 400 },
      (_, n): Reading => ({ ts: start + Math.floor(((end - start) * n) / 400), values: values(n) }),
    );
    const pool = stand.poolOf(device);
    const store = async (some: readonly Reading[]) => {
      await stand.store(device, some);
      for (const { ts } of some)
        await pool.query(
          `insert into rollup_pending (tenants, devices, minutes, newest_minute)
           select array['main'], array[$1], array[m], m from date_bin('1 minute', to_timestamp($2::float8 / 1000), 'epoch') m`,
          [device, ts],
        );
    };
    const late = readings.filter((_, n) => n % 5 === 0);
    await store(readings.filter((_, n) => n % 5 !== 0));
    while ((await rollUp(pool, end)).more);
    await store(late);
    const range = { from: start, to: Math.floor(end / hour) * hour + hour };
    const compare = async () => {
      for (const [resolution, size] of [
        ['1m', minute],
        ['1h', hour],
      ] as const) {
        const items = await all<HistoryPoint>(`/internal/v1/devices/${device}/history`, {
          ...range,
          resolution,
          limit: 50,
        });
        expect(items).toEqual(recomputed(readings, size));
      }
    };
    // While the late ones wait for the worker, their minutes are counted from the readings.
    await compare();
    while ((await rollUp(pool, end)).more);
    await compare();
    const rolledUp = await pool.query('select count(*)::int as n from rollup_1m where device_id = $1', [device]);
    expect(rolledUp.rows[0].n).toBeGreaterThan(100);
    const one = await history(device, { ...range, resolution: '1h', metric: 'n' });
    expect(Object.keys(one.items[0]?.aggregates ?? {})).toEqual(['n']);
  });

  it('chooses its resolution by the length of the range, and says which', async () => {
    await stand.store('hist-auto', [{ ts: now - minute, values: { t: 1 } }]);
    expect((await history('hist-auto', { from: now - 2 * hour, to: now })).resolution).toBe('raw');
    expect((await history('hist-auto', { from: now - 3 * hour, to: now })).resolution).toBe('1m');
    expect((await history('hist-auto', { from: now - 100 * hour, to: now })).resolution).toBe('1h');
  });

  it('of the largest numbers is still an answer', async () => {
    await stand.store(
      'hist-huge',
      [1, 2, 3].map((n) => ({ ts: Date.now() - 1_000 - n, values: { t: 1.7e308 } })),
    );
    const page = await history('hist-huge', { from: now - hour, to: Date.now() + hour, resolution: '1m' });
    expect(page.items.flatMap((i) => Object.values(i.aggregates ?? {})).every((a) => Number.isFinite(a.sum))).toBe(
      true,
    );
  });

  it('of no device is 404, of a device without readings empty, and marked when nobody can say', async () => {
    const range = { from: now - hour, to: now };
    expect((await ask('GET', `/internal/v1/devices/hist-no/history?${query(range)}`)).status).toBe(404);
    stand.devices.known.add('hist-empty');
    expect(await history('hist-empty', range)).toEqual({
      device: 'hist-empty',
      resolution: 'raw',
      items: [],
      next: null,
    });
    const counts = stand.devices.counts;
    stand.devices.counts = null;
    try {
      expect(await history('hist-empty', range)).toMatchObject({ items: [], degraded: { parts: ['devices'] } });
    } finally {
      stand.devices.counts = counts;
    }
  });

  const b64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  it.each([
    ['an end before the beginning', { from: now, to: now - 1 }, 'query.from'],
    ['a time that is none', { from: 'yesterday', to: now }, 'query.from'],
    ['SQL as a time', { from: "2026-11-22'; drop table readings", to: now }, 'query.from'],
    ['SQL as a metric', { from: now - 1, to: now, metric: "t') or 1=1 --" }, 'query.metric'],
    ['an unknown resolution', { from: now - 1, to: now, resolution: '5m' }, 'query.resolution'],
    ['too much', { from: now - 1, to: now, limit: 10_001 }, 'query.limit'],
    ['a cursor of garbage', { from: now - 1, to: now, cursor: 'AAAA' }, 'query.cursor'],
    [
      'a cursor with SQL',
      { from: now - 1, to: now, cursor: b64({ r: 'raw', ts: "1'; drop", seq: 0 }) },
      'query.cursor',
    ],
    ['a cursor of another resolution', { from: now - 1, to: now, cursor: b64({ r: '1m', ts: 0 }) }, 'query.cursor'],
    ['a cursor beyond time', { from: now - 1, to: now, cursor: b64({ r: 'raw', ts: 1e300, seq: 0 }) }, 'query.cursor'],
  ])('refuses %s', async (_name, values_, field) => {
    const answer = await ask(
      'GET',
      `/internal/v1/devices/hist-raw/history?${query(values_ as unknown as Record<string, string>)}`,
    );
    expect(answer.status).toBe(400);
    expect(fields(answer.body)).toContain(field);
  });
});

describe('alerts', () => {
  const open = async (device: string, openedAt: number, closed = false) => {
    const { rows } = await stand.poolOf(device).query(
      `insert into alerts (tenant, device_id, rule, kind, severity, detail, reading_ts, opened_at, closed_at)
       values ('main', $1, $2, 'threshold', 'warning', 'too hot', now(), to_timestamp($3::float8 / 1000), $4) returning id`,
      [device, `rule-${randomUUID()}`, openedAt, closed ? new Date() : null],
    );
    return `${logicalShard('main', device)}-${rows[0].id as string}`;
  };

  it('of all shards are listed newest first, each once, also those of one moment', async () => {
    const base = Date.now() - hour;
    const ids: string[] = [];
    for (let n = 0; n < 24; n++)
      ids.push(
        await open(
          stand.deviceIn(n % 3 === 0 ? 'shard_a' : 'shard_b', `alarm-${n}`),
          base - Math.floor(n / 4) * 1_000,
          n % 2 === 0,
        ),
      );
    const listed = await all<Alert>('/internal/v1/alerts', { limit: 5 }, async () => {
      await open(stand.deviceIn('shard_a', 'alarm-new'), Date.now());
    });
    const seen = listed.map((a) => a.id);
    expect(seen).toHaveLength(ids.length);
    expect(new Set(seen)).toEqual(new Set(ids));
    const times = listed.map((a) => a.openedAt);
    expect(times).toEqual([...times].sort().reverse());
    const openOnes = await all<Alert>('/internal/v1/alerts', { limit: 500, state: 'closed' });
    expect(openOnes.every((a) => a.state === 'closed' && a.closedAt !== null)).toBe(true);
    expect(openOnes).toHaveLength(12);
    const device = stand.deviceIn('shard_a', 'alarm-0');
    expect((await all<Alert>('/internal/v1/alerts', { device })).map((a) => a.device)).toEqual([device]);
    expect(
      ((await askAs(stand.service.port, 'other')('GET', '/internal/v1/alerts')).body as Page<Alert>).items,
    ).toEqual([]);
  });

  it('are acknowledged once; the first to do so stays', async () => {
    const id = await open(stand.deviceIn('shard_b', 'alarm-ack'), Date.now());
    const path = `/internal/v1/alerts/${id}/acknowledge`;
    const [shard = '', uuid = ''] = [id.slice(0, id.indexOf('-')), id.slice(id.indexOf('-') + 1)];
    const elsewhere = (Number(shard) + 2) % 64;
    // Another logical shard of the same database: not found, and nothing written.
    const wrong = await askAs(
      stand.service.port,
      'main',
      'stranger@example.com',
    )('POST', `/internal/v1/alerts/${elsewhere}-${uuid}/acknowledge`);
    expect(wrong.status).toBe(404);
    const first = await ask('POST', path);
    expect(first.status, first.text).toBe(200);
    expect(first.body).toMatchObject({ id, acknowledgedBy: 'tester@example.com' });
    expect((await askAs(stand.service.port, 'main', 'second@example.com')('POST', path)).body).toEqual(first.body);
    expect((await askAs(stand.service.port, 'other')('POST', path)).status).toBe(404);
    for (const none of [
      `${elsewhere}-${uuid}`,
      `${shard}-${randomUUID()}`,
      `9999-${uuid}`,
      `${shard}-${'-'.repeat(36)}`,
    ])
      expect((await ask('POST', `/internal/v1/alerts/${none}/acknowledge`)).status).toBe(404);
    expect(
      (await ask('POST', `/internal/v1/alerts/${encodeURIComponent("1-'; drop table alerts")}/acknowledge`)).status,
    ).toBe(400);
    const core = new pg.Client({ connectionString: stand.postgres.core });
    await core.connect();
    const lines = async () =>
      (await core.query("select tenant, subject, target, after from audit_log where action = 'alert.acknowledge'"))
        .rows;
    try {
      await until('the audit line', async () => (await lines()).length > 0);
      const target = `${(first.body as Alert).device}/${id}`;
      expect(await lines()).toEqual([{ tenant: 'main', subject: 'tester@example.com', target, after: first.body }]);
    } finally {
      await core.end();
    }
  });
});

describe('the fleet', () => {
  it('aggregate adds up the devices of all shards by bucket', async () => {
    const at = Math.floor(Date.now() / hour) * hour - 5 * hour;
    for (const [database, name, value] of [
      ['shard_a', 'fleet-a', 10],
      ['shard_b', 'fleet-b', 30],
    ] as const) {
      const device = stand.deviceIn(database, name);
      await stand.store(device, [{ ts: at, values: {} }]); // makes the partitions
      await stand.pool(database).query(
        `insert into rollup_1m (tenant, device_id, bucket, metric, count, sum, min, max)
         values ('main', $1, $2, 'fleet.t', 2, $3 * 2, $3 - 1, $3 + 1), ('other', $1, $2, 'fleet.t', 2, 9, 9, 9)`,
        [device, new Date(at), value],
      );
    }
    const answer = await ask(
      'GET',
      `/internal/v1/fleet/aggregate?${query({ metric: 'fleet.t', from: at, to: at + hour })}`,
    );
    expect((answer.body as Aggregate).items).toEqual([
      { ts: new Date(at).toISOString(), devices: 2, count: 4, min: 9, max: 31, avg: 20 },
    ]);
    const long = await ask(
      'GET',
      `/internal/v1/fleet/aggregate?${query({ metric: 'fleet.t', from: at - 200 * hour, to: at })}`,
    );
    expect(long.status).toBe(400);
    expect(long.text).toMatch(/10000.*166 hours.*1h/);
  });

  it('summary has the counts of the devices service and the rates of the scraped parts', async () => {
    stand.devices.counts = { devices: 7, connected: 5, blocked: 1 };
    const histogram = (name: string, fast: number) =>
      `${name}_bucket{le="0.01"} ${fast}\n${name}_bucket{le="+Inf"} ${fast}\n`;
    stand.metrics.gateway = histogram('iot_gateway_ack_seconds', 100);
    stand.metrics.processor = `iot_processor_readings_stored_total 100\n${histogram('iot_processor_queryable_seconds', 100)}`;
    const summary = async () => (await ask('GET', '/internal/v1/fleet/summary')).body as FleetSummary;
    let stored = 100;
    await until('two scrapes', async () => {
      stored += 50;
      stand.metrics.gateway = histogram('iot_gateway_ack_seconds', stored);
      stand.metrics.processor = `iot_processor_readings_stored_total ${stored}\n${histogram('iot_processor_queryable_seconds', stored)}`;
      const { readingsPerSecond, ackLatency } = await summary();
      return readingsPerSecond > 0 && ackLatency.p50 !== null;
    });
    const whole = await summary();
    expect(whole).toMatchObject({
      devices: 7,
      connected: 5,
      blocked: 1,
      ackLatency: { p50: 5 },
      queryableLatency: { p99: 9.9 },
    });
    expect(whole.degraded).toBeUndefined();
    const count = async (text: string) =>
      Number((await stand.pool('shard_a').query(text)).rows[0].n) +
      Number((await stand.pool('shard_b').query(text)).rows[0].n);
    expect(whole.openAlerts).toBe(
      await count("select count(*) n from alerts where tenant = 'main' and closed_at is null"),
    );
    expect(whole.deadLettersLastDay).toBe(await count("select count(*) n from dead_letters where tenant = 'main'"));
    expect(whole.readingsTotal).toBe(await count("select count(*) n from readings where tenant = 'main'"));
  });

  it('summary names each part that is away and answers with the rest', async () => {
    stand.devices.counts = null;
    stand.metrics.gateway = null;
    try {
      await until(
        'the gateway is missed',
        async () =>
          ((await ask('GET', '/internal/v1/fleet/summary')).body as FleetSummary).degraded?.parts?.includes(
            'gateway',
          ) ?? false,
      );
      expect((await ask('GET', '/internal/v1/fleet/summary')).body).toMatchObject({
        devices: 0,
        degraded: { parts: ['devices', 'gateway'] },
      });
    } finally {
      stand.devices.counts = { devices: 7, connected: 5, blocked: 1 };
      stand.metrics.gateway = '';
    }
  });
});

describe('one shard away', () => {
  it('leaves the other devices unaffected, and fleet answers name what is missing', async () => {
    const [here, gone] = [stand.deviceIn('shard_a', 'half'), stand.deviceIn('shard_b', 'half')];
    const ts = Date.now() - minute;
    await stand.store(here, [{ ts, values: { t: 1 } }]);
    await stand.store(gone, [{ ts, values: { t: 1 } }]);
    const range = query({ from: ts - 1, to: ts + 1 });
    const giveBack = await takeAway(stand.postgres, 'shard_b');
    try {
      for (let n = 0; n < 12; n++) {
        expect((await ask('GET', `/internal/v1/devices/${here}/state`)).body).toMatchObject({ values: { t: 1 } });
        const lost = await ask('GET', `/internal/v1/devices/${gone}/history?${range}`);
        expect(lost.status).toBe(503);
        expect(lost.body).toMatchObject({ title: 'Store away', detail: expect.stringContaining('shard_b') });
      }
      expect((await ask('GET', `/internal/v1/devices/${here}/history?${range}`)).body).toMatchObject({
        items: [{ values: { t: 1 } }],
      });
      const odd = Array.from({ length: 32 }, (_, i) => 2 * i + 1);
      for (const path of [
        'alerts',
        'dead-letters',
        'fleet/summary',
        `fleet/aggregate?${query({ metric: 'fleet.t', from: ts - hour, to: ts })}`,
      ]) {
        const answer = await ask('GET', `/internal/v1/${path}`);
        expect(answer.status).toBe(200);
        expect((answer.body as Page<unknown>).degraded?.missingShards, path).toEqual(odd);
      }
      const alerts = (await ask('GET', '/internal/v1/alerts?limit=500')).body as Page<Alert>;
      expect(alerts.items.length).toBeGreaterThan(0);
      expect(alerts.items.every((a) => Number(a.id.split('-')[0]) % 2 === 0)).toBe(true);
      expect(stand.service.health.notReady()).toEqual([]);
    } finally {
      await giveBack();
    }
    await until(
      'the shard is back',
      async () => (await ask('GET', `/internal/v1/devices/${gone}/history?${range}`)).status === 200,
    );
    expect(((await ask('GET', '/internal/v1/alerts')).body as Page<Alert>).degraded).toBeUndefined();
  });
});
