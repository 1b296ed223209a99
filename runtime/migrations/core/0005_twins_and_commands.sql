-- Up Migration
-- Desired states and commands on their way to devices. The twins themselves are documents (Firestore, or `documents`).

-- Which devices have something new to fetch, in order. Versions are handed out under a lock, as those of
-- `identity_changes`, so that a gateway that has seen version n has seen all before it. Old rows go: a gateway that was
-- away for longer asks for all its devices.
create table delivery_changes (
  version bigint primary key,
  tenant text collate "C" not null,
  device_id text collate "C" not null,
  at timestamptz not null default now()
);

-- A change of a desired state that is not told yet. It is written before the document, and goes in the transaction that
-- tells of it: a process that dies in between leaves a row, and another one finishes what it meant.
create table twin_intents (
  tenant text collate "C" not null,
  device_id text collate "C" not null,
  -- Also in the document, when the change came to be.
  id uuid not null,
  subject text not null,
  trace text not null,
  before jsonb not null,
  after jsonb not null,
  at timestamptz not null,
  primary key (tenant, device_id, id),
  foreign key (tenant, device_id) references devices (tenant, id)
);
create index twin_intents_by_time on twin_intents (at);

create table command_jobs (
  tenant text collate "C" not null references tenants (id),
  id uuid not null,
  seq bigint generated always as identity,
  name text not null,
  payload jsonb not null,
  tag text,
  type text collate "C",
  timeout_seconds integer not null,
  idempotency_key text,
  subject text not null,
  trace text not null,
  created_at timestamptz not null,
  deadline timestamptz not null,
  -- How far the devices have been walked; `queued_at` when all have.
  after_device text collate "C" not null default '',
  commands integer not null default 0,
  skipped integer not null default 0,
  queued_at timestamptz,
  cancel_asked_at timestamptz,
  -- No command of it is open any more, and none will be made.
  finished_at timestamptz,
  primary key (tenant, id)
);
create unique index command_jobs_by_seq on command_jobs (tenant, seq);
create unique index command_jobs_by_key on command_jobs (tenant, idempotency_key) where idempotency_key is not null;
create index command_jobs_open on command_jobs (tenant, seq) where finished_at is null;

create table commands (
  tenant text collate "C" not null,
  id uuid not null,
  device_id text collate "C" not null,
  -- Order of delivery of one device's commands.
  seq bigint generated always as identity,
  name text not null,
  payload jsonb not null,
  status text not null check (status in ('queued', 'sent', 'acknowledged', 'succeeded', 'failed', 'expired', 'cancelled')),
  job_id uuid,
  timeout_seconds integer not null,
  idempotency_key text,
  subject text not null,
  trace text not null,
  created_at timestamptz not null,
  deadline timestamptz not null,
  attempts integer not null default 0,
  -- The last time it was written to a connection, and which one that was.
  sent_at timestamptz,
  connection bigint,
  acknowledged_at timestamptz,
  finished_at timestamptz,
  result jsonb,
  -- An answer after the end.
  late_status text check (late_status in ('succeeded', 'failed')),
  late_result jsonb,
  late_at timestamptz,
  primary key (tenant, id),
  foreign key (tenant, device_id) references devices (tenant, id),
  foreign key (tenant, job_id) references command_jobs (tenant, id)
);
create unique index commands_by_device on commands (tenant, device_id, seq);
create unique index commands_by_key on commands (tenant, device_id, idempotency_key) where idempotency_key is not null;
create unique index commands_by_job on commands (tenant, job_id, device_id) where job_id is not null;
create index commands_of_job on commands (tenant, job_id, status, seq) where job_id is not null;
create index commands_open on commands (tenant, device_id, seq) where status in ('queued', 'sent', 'acknowledged');
create index commands_overdue on commands (deadline) where status in ('queued', 'sent', 'acknowledged');
create index commands_finished on commands (finished_at) where finished_at is not null;
