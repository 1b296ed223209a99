import type pg from 'pg';
import type { AlertRule } from '../contracts/device-type.ts';
import { type AlertChange, type AlertState, look, lookForSilence, type Seen, silentAt } from './alerts.ts';

/** The holder runs the rules of one database, so a device's readings are looked at in one order by one process. */
const lockKey = 7_411_003;

/** Readings one turn looks at for one device; more come in the next turn. */
const maxReadings = 2_000;

export type RulesOf = (devices: readonly Device[]) => Promise<ReadonlyMap<string, readonly AlertRule[]>>;
export type Device = readonly [tenant: string, device: string];
export type AlertEvent = { tenant: string; device: string; change: AlertChange };
export type AlertTurn = { events: AlertEvent[]; more: boolean };

export const keyOf = (device: Device) => `${device[0]}/${device[1]}`;

/** Runs the rules over what is new since the last turn. Everything it finds and forgets is one transaction. */
export function runRules(pool: pg.Pool, rulesOf: RulesOf, maxPending = 100): Promise<AlertTurn> {
  return locked(pool, async (client) => {
    const { rows: pending } = await client.query<{ id: string; tenants: string[]; devices: string[] }>(
      'select id, tenants, devices from alert_pending order by id limit $1',
      [maxPending],
    );
    if (pending.length === 0) return none;
    const devices = distinct(pending.flatMap((p) => p.tenants.map((t, i) => [t, p.devices[i] as string] as const)));
    const rules = await rulesOf(devices);
    const states = await readStates(client, devices);
    const readings = await readNewer(client, devices, states);
    const events: AlertEvent[] = [];
    const after: [Device, AlertState, number | null][] = [];
    let more = pending.length === maxPending;
    const unfinished: Device[] = [];
    for (const device of devices) {
      const key = keyOf(device);
      const own = rules.get(key) ?? [];
      const seen = readings.get(key) ?? [];
      const outcome = look(own, states.get(key), seen);
      if (seen.length === maxReadings) unfinished.push(device);
      for (const change of outcome.changes) events.push({ tenant: device[0], device: device[1], change });
      if (outcome.state !== undefined) after.push([device, outcome.state, silentAt(own, outcome.state)]);
    }
    await writeStates(client, after);
    await writeChanges(client, events);
    await client.query('delete from alert_pending where id = any($1::bigint[])', [pending.map((p) => p.id)]);
    if (unfinished.length > 0) {
      more = true;
      await client.query('insert into alert_pending (tenants, devices) values ($1, $2)', [
        unfinished.map((d) => d[0]),
        unfinished.map((d) => d[1]),
      ]);
    }
    return { events, more };
  });
}

/** Opens alerts of devices that have been silent for too long. Not to be called while readings wait anywhere. */
export function sweepSilence(pool: pg.Pool, rulesOf: RulesOf, now: number, max = 500): Promise<AlertTurn> {
  return locked(pool, async (client) => {
    const { rows } = await client.query<{ tenant: string; device_id: string }>(
      `select tenant, device_id from alert_states where silent_at <= to_timestamp($1::float8 / 1000)
       order by silent_at limit $2`,
      [now, max],
    );
    if (rows.length === 0) return none;
    const devices = rows.map((row) => [row.tenant, row.device_id] as const);
    const rules = await rulesOf(devices);
    const states = await readStates(client, devices);
    const events: AlertEvent[] = [];
    const after: [Device, AlertState, number | null][] = [];
    for (const device of devices) {
      const before = states.get(keyOf(device));
      if (before === undefined) continue;
      const own = rules.get(keyOf(device)) ?? [];
      const { state, changes } = lookForSilence(own, before, now);
      for (const change of changes) events.push({ tenant: device[0], device: device[1], change });
      after.push([device, state, silentAt(own, state)]);
    }
    await writeStates(client, after);
    await writeChanges(client, events);
    return { events, more: rows.length === max };
  });
}

const none: AlertTurn = { events: [], more: false };

async function locked(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<AlertTurn>): Promise<AlertTurn> {
  const client = await pool.connect();
  let failed = true;
  try {
    await client.query('begin');
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [lockKey]);
    const turn = rows[0]?.mine ? await work(client) : none;
    await client.query('commit');
    failed = false;
    return turn;
  } finally {
    client.release(failed);
  }
}

async function readStates(client: pg.PoolClient, devices: readonly Device[]): Promise<Map<string, AlertState>> {
  const { rows } = await client.query<{
    tenant: string;
    device_id: string;
    ts: Date;
    seq: string;
    received_at: Date;
    open: string[] | null;
  }>(
    `select s.tenant, s.device_id, s.ts, s.seq, s.received_at,
       (select array_agg(a.rule) from alerts a
        where a.tenant = s.tenant and a.device_id = s.device_id and a.closed_at is null) as open
     from unnest($1::text[], $2::text[]) as i (tenant, device_id)
     join alert_states s on s.tenant = i.tenant and s.device_id = i.device_id`,
    columnsOf(devices),
  );
  return new Map(
    rows.map((row) => [
      keyOf([row.tenant, row.device_id]),
      {
        ts: row.ts.getTime(),
        seq: Number(row.seq),
        received: row.received_at.getTime(),
        open: new Set(row.open ?? []),
      },
    ]),
  );
}

/** Readings after the state, oldest first. Of a device never looked at only the newest: its past is no news. */
async function readNewer(
  client: pg.PoolClient,
  devices: readonly Device[],
  states: ReadonlyMap<string, AlertState>,
): Promise<Map<string, Seen[]>> {
  const known = devices.filter((device) => states.has(keyOf(device)));
  const fresh = devices.filter((device) => !states.has(keyOf(device)));
  const result = new Map<string, Seen[]>();
  const add = (rows: readonly ReadingRow[]) => {
    for (const row of rows) {
      const key = keyOf([row.tenant, row.device_id]);
      const list = result.get(key) ?? [];
      const received = row.received_at.getTime();
      list.push({ ts: row.ts.getTime(), seq: Number(row.seq), received, values: row.values });
      result.set(key, list);
    }
  };
  if (known.length > 0) {
    const cursors = known.map((device) => states.get(keyOf(device)) as AlertState);
    const { rows } = await client.query<ReadingRow>(
      `select i.tenant, i.device_id, r.ts, r.seq, r.received_at, r.values
       from unnest($1::text[], $2::text[], $3::float8[], $4::bigint[]) as i (tenant, device_id, ts, seq)
       cross join lateral (
         select r.ts, r.seq, r.received_at, r.values from readings r
         where r.tenant = i.tenant and r.device_id = i.device_id and r.ts >= to_timestamp(i.ts / 1000)
           and (r.ts, r.seq) > (to_timestamp(i.ts / 1000), i.seq)
         order by r.ts, r.seq limit ${maxReadings}) r`,
      [...columnsOf(known), cursors.map((c) => c.ts), cursors.map((c) => c.seq)],
    );
    add(rows);
  }
  if (fresh.length > 0) {
    const { rows } = await client.query<ReadingRow>(
      `select i.tenant, i.device_id, r.ts, r.seq, r.received_at, r.values
       from unnest($1::text[], $2::text[]) as i (tenant, device_id)
       cross join lateral (
         select r.ts, r.seq, r.received_at, r.values from readings r
         where r.tenant = i.tenant and r.device_id = i.device_id order by r.ts desc, r.seq desc limit 1) r`,
      columnsOf(fresh),
    );
    add(rows);
  }
  return result;
}
type ReadingRow = {
  tenant: string;
  device_id: string;
  ts: Date;
  seq: string;
  received_at: Date;
  values: Record<string, unknown>;
};

async function writeStates(
  client: pg.PoolClient,
  states: readonly (readonly [Device, AlertState, number | null])[],
): Promise<void> {
  if (states.length === 0) return;
  await client.query(
    `insert into alert_states (tenant, device_id, ts, seq, received_at, silent_at)
     select tenant, device_id, to_timestamp(ts / 1000), seq, to_timestamp(received / 1000), to_timestamp(silent / 1000)
     from unnest($1::text[], $2::text[], $3::float8[], $4::bigint[], $5::float8[], $6::float8[])
       as i (tenant, device_id, ts, seq, received, silent)
     on conflict (tenant, device_id) do update set ts = excluded.ts, seq = excluded.seq,
       received_at = excluded.received_at, silent_at = excluded.silent_at`,
    [
      ...columnsOf(states.map(([device]) => device)),
      states.map(([, state]) => state.ts),
      states.map(([, state]) => state.seq),
      states.map(([, state]) => state.received),
      states.map(([, , silent]) => silent),
    ],
  );
}

async function writeChanges(client: pg.PoolClient, events: readonly AlertEvent[]): Promise<void> {
  for (const { tenant, device, change } of events) {
    if (change.change === 'open')
      await client.query(
        `insert into alerts (tenant, device_id, rule, kind, severity, detail, reading_ts, opened_at)
         values ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8 / 1000), to_timestamp($8::float8 / 1000))
         on conflict (tenant, device_id, rule) where closed_at is null do nothing`,
        [tenant, device, change.rule, change.kind, change.severity, change.detail, change.readingTs, change.at],
      );
    else
      await client.query(
        `update alerts set closed_at = greatest(opened_at, to_timestamp($5::float8 / 1000)),
           reading_ts = to_timestamp($4::float8 / 1000)
         where tenant = $1 and device_id = $2 and rule = $3 and closed_at is null`,
        [tenant, device, change.rule, change.readingTs, change.at],
      );
  }
}

function columnsOf(devices: readonly Device[]): [string[], string[]] {
  return [devices.map((d) => d[0]), devices.map((d) => d[1])];
}

function distinct(devices: readonly Device[]): Device[] {
  return [...new Map(devices.map((device) => [keyOf(device), device])).values()];
}
