-- Up Migration
-- Tenants with limits, people who are invited, an audit log that can only grow.

-- Null: no limit of its own.
alter table tenants
  add column quota_devices integer check (quota_devices >= 0),
  add column quota_messages_per_second integer check (quota_messages_per_second > 0),
  add column quota_requests_per_second integer check (quota_requests_per_second > 0);

-- A tenant can register devices from its first moment on. The api makes tenants and has no right to device types, so this
-- runs as the owner.
create function give_tenant_generic_type() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into device_types (tenant, id, definition)
  values (new.id, 'generic', '{"id":"generic","description":"Any metrics, stored as sent","metrics":{},"additionalMetrics":true,"transform":{},"drop":[],"alerts":[]}')
  on conflict do nothing;
  return new;
end $$;
create trigger tenant_has_generic_type after insert on tenants
  for each row execute function give_tenant_generic_type();

-- One open invitation an address. The code is 130 random bits; its SHA-256 is all that is kept.
create table invitations (
  email text collate "C" primary key,
  tenant text collate "C" not null references tenants (id),
  role text not null check (role in ('viewer', 'operator', 'admin')),
  code_hash bytea not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index invitations_by_tenant on invitations (tenant, email);
create index users_by_tenant on users (tenant, email);
create index oauth_clients_by_tenant on oauth_clients (tenant, id);

-- What gateways took from a tenant's devices, a row a minute and gateway.
create table tenant_usage (
  tenant text collate "C" not null references tenants (id),
  minute timestamptz not null,
  gateway text collate "C" not null,
  messages bigint not null,
  throttled_ms bigint not null,
  primary key (tenant, minute, gateway)
);
create index tenant_usage_by_minute on tenant_usage (minute);

-- Nobody changes what was written, the owner included: removing this trigger is a migration that people read.
create function audit_log_only_grows() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log only grows: % is refused', tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger audit_log_only_grows before update or delete or truncate on audit_log
  for each statement execute function audit_log_only_grows();
create index audit_log_by_target on audit_log (tenant, target, id desc);
