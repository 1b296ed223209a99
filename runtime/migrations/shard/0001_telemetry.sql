-- Up Migration
-- One database of the time series. Partitions are made ahead and dropped by the processor, by day for raw readings and
-- by month for rollups. `collate "C"`: keys are compared as bytes, which is what an index on names needs.

create table readings (
  tenant text collate "C" not null,
  device_id text collate "C" not null,
  ts timestamptz not null,
  seq bigint not null default 0,
  values jsonb not null,
  -- The gateway's message id, which is the trace id.
  message text not null,
  received_at timestamptz not null,
  primary key (tenant, device_id, ts, seq)
) partition by range (ts);

create table rollup_1m (
  tenant text collate "C" not null,
  device_id text collate "C" not null,
  bucket timestamptz not null,
  metric text collate "C" not null,
  count bigint not null,
  sum double precision not null,
  min double precision not null,
  max double precision not null,
  primary key (tenant, device_id, bucket, metric)
) partition by range (bucket);

create table rollup_1h (
  tenant text collate "C" not null,
  device_id text collate "C" not null,
  bucket timestamptz not null,
  metric text collate "C" not null,
  count bigint not null,
  sum double precision not null,
  min double precision not null,
  max double precision not null,
  primary key (tenant, device_id, bucket, metric)
) partition by range (bucket);

-- Minutes that have new rows, written in the transaction that inserts them: one row a batch and minute (three arrays of
-- one length), so that a device whose clock is ahead holds up no other's minutes. The rollup worker recomputes those minutes from `readings` and removes the row in one transaction: late,
-- duplicate and redelivered input cannot count twice, and a crash leaves the row for the next worker.
create table rollup_pending (
  id bigint generated always as identity primary key,
  tenants text[] not null,
  devices text[] not null,
  minutes timestamptz[] not null,
  newest_minute timestamptz not null
);

create table dead_letters (
  tenant text collate "C" not null,
  -- Hex SHA-256, half of it: of tenant, device, ts, seq and values for a reading, of message id and index otherwise.
  id text collate "C" not null,
  device_id text collate "C" not null,
  reason text not null,
  detail text not null,
  payload bytea not null,
  subfolder text not null default '',
  message text not null,
  received_at timestamptz not null,
  created_at timestamptz not null default now(),
  primary key (tenant, id)
);
create index dead_letters_by_time on dead_letters (tenant, created_at desc, id);
create index dead_letters_by_device on dead_letters (tenant, device_id, created_at desc);

create table alerts (
  tenant text collate "C" not null,
  id uuid not null default gen_random_uuid(),
  device_id text collate "C" not null,
  rule text not null,
  kind text not null check (kind in ('threshold', 'silence')),
  severity text not null,
  detail text not null,
  -- Time of the reading that opened or last confirmed it: an older reading never closes or opens it.
  reading_ts timestamptz not null,
  opened_at timestamptz not null default now(),
  closed_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by text,
  primary key (tenant, id)
);
create unique index alerts_open on alerts (tenant, device_id, rule) where closed_at is null;
create index alerts_by_time on alerts (tenant, opened_at desc, id);

-- Newest states that Redis did not take; repaired from `readings` when it is back.
create table state_repairs (
  tenant text collate "C" not null,
  device_id text collate "C" not null,
  marked_at timestamptz not null default now(),
  primary key (tenant, device_id)
);

-- Devices with alert rules that have new rows, written in the transaction that inserts these, one row a batch. The
-- alert worker takes them in order, runs the rules over what is newer than `alert_states`, and removes them in one
-- transaction: alerts too are worked out from the rows, so a redelivery opens nothing twice.
create table alert_pending (
  id bigint generated always as identity primary key,
  tenants text[] not null,
  devices text[] not null
);

-- How far a device's readings have been looked at by its rules.
create table alert_states (
  tenant text collate "C" not null,
  device_id text collate "C" not null,
  ts timestamptz not null,
  seq bigint not null,
  received_at timestamptz not null,
  -- When the first silence rule that is not open yet would open; null without one.
  silent_at timestamptz,
  primary key (tenant, device_id)
);
create index alert_states_silent on alert_states (silent_at) where silent_at is not null;

-- Newest state that a device reported (`/devices/{id}/state`).
create table reported_states (
  tenant text collate "C" not null,
  device_id text collate "C" not null,
  state jsonb not null,
  message text not null,
  received_at timestamptz not null,
  primary key (tenant, device_id)
);

-- Messages whose own database is away, kept here so that the others' devices go on (docs/decisions/0003).
create table parked_messages (
  id bigint generated always as identity primary key,
  waits_for text not null,
  message text not null unique,
  attributes jsonb not null,
  data bytea not null,
  taken_until timestamptz not null default 'epoch',
  parked_at timestamptz not null default now()
);
create index parked_messages_waiting on parked_messages (waits_for, id);
