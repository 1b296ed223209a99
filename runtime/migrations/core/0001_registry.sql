-- Up Migration
-- The registry: small, transactional, not sharded. Blocking a device and telling the gateways is one transaction here.

create table tenants (
  id text collate "C" primary key,
  name text not null,
  created_at timestamptz not null default now()
);
insert into tenants (id, name) values ('main', 'Main');

create table device_types (
  tenant text collate "C" not null references tenants (id),
  id text collate "C" not null,
  definition jsonb not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant, id)
);
insert into device_types (tenant, id, definition) values
  ('main', 'generic', '{"id":"generic","description":"Any metrics, stored as sent","metrics":{},"additionalMetrics":true,"transform":{},"drop":[],"alerts":[]}');

create table devices (
  tenant text collate "C" not null references tenants (id),
  id text collate "C" not null,
  name text not null,
  type text collate "C" not null,
  tags text[] not null default '{}',
  status text not null default 'active' check (status in ('active', 'blocked')),
  blocked_reason text,
  -- Connection as the lifecycle events told it; Redis has it sooner. `connection` is the newest connection's number.
  connected boolean not null default false,
  connection bigint not null default 0,
  connection_gateway text,
  connection_changed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant, id),
  foreign key (tenant, type) references device_types (tenant, id)
);
create index devices_by_type on devices (tenant, type, id);
create index devices_by_tag on devices using gin (tags);
create extension if not exists pg_trgm;
create index devices_search on devices using gin ((lower(id || ' ' || name)) gin_trgm_ops);

create table certificates (
  tenant text collate "C" not null,
  serial text collate "C" not null,
  device_id text collate "C" not null,
  fingerprint256 text not null,
  not_before timestamptz not null,
  not_after timestamptz not null,
  revoked_at timestamptz,
  revoked_reason text,
  created_at timestamptz not null default now(),
  primary key (tenant, serial),
  foreign key (tenant, device_id) references devices (tenant, id)
);
create index certificates_by_device on certificates (tenant, device_id, created_at desc);

-- What gateways must know, in order. Versions are handed out under a lock (see the devices service), so that a reader
-- who has seen version n has seen all before it.
create table identity_changes (
  version bigint primary key,
  tenant text collate "C" not null,
  device_id text collate "C" not null,
  change text not null check (change in ('blocked', 'unblocked', 'certificate-revoked')),
  serial text,
  at timestamptz not null default now()
);

-- Which database holds each of the 64 logical shards, by version; the newest is in force.
create table shard_maps (
  version bigint primary key,
  databases text[] not null check (cardinality(databases) = 64),
  created_at timestamptz not null default now()
);

create table users (
  tenant text collate "C" not null references tenants (id),
  email text collate "C" not null,
  role text not null check (role in ('viewer', 'operator', 'admin')),
  -- scrypt: parameters, salt and hash, base64url, separated by $.
  password_hash text not null,
  created_at timestamptz not null default now(),
  primary key (email)
);

create table oauth_clients (
  id text collate "C" primary key,
  tenant text collate "C" not null references tenants (id),
  name text not null,
  secret_hash text not null,
  scopes text[] not null,
  created_at timestamptz not null default now()
);

-- The bundled authorization server's own state (grants, sessions, codes), by its adapter.
create table oauth_state (
  model text not null,
  id text not null,
  payload jsonb not null,
  grant_id text,
  user_code text,
  uid text,
  expires_at timestamptz,
  consumed_at timestamptz,
  primary key (model, id)
);
create index oauth_state_by_grant on oauth_state (grant_id) where grant_id is not null;
create index oauth_state_by_uid on oauth_state (model, uid) where uid is not null;
create index oauth_state_expiry on oauth_state (expires_at);

create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  tenant text collate "C" not null,
  subject text not null,
  action text not null,
  target text not null,
  before jsonb,
  after jsonb,
  trace text
);
create index audit_log_by_tenant on audit_log (tenant, id desc);
