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
  -- Of this minute so far, as the gateway counts them: telling them again changes nothing.
  messages bigint not null,
  throttled_ms bigint not null,
  connections integer not null,
  told_at timestamptz not null default now(),
  primary key (tenant, minute, gateway)
);
create index tenant_usage_by_minute on tenant_usage (minute);

-- Devices are registered in several ways (one by one, in bulk, by claim code, by a factory CA); all end in this table. The
-- lock lets registrations of a tenant with a quota count one after the other.
create function devices_within_quota() returns trigger language plpgsql as $$
declare over_quota record;
begin
  perform pg_advisory_xact_lock(4711002, hashtext(id)) from (
    select distinct t.id from added join tenants t on t.id = added.tenant where t.quota_devices is not null order by t.id
  ) limited;
  select t.id, t.quota_devices into over_quota from tenants t
  where t.quota_devices is not null and t.id in (select tenant from added)
    and (select count(*) from devices d where d.tenant = t.id) > t.quota_devices
  limit 1;
  if found then
    raise exception 'tenant ''%'' may register % devices', over_quota.id, over_quota.quota_devices using errcode = 'IQ001';
  end if;
  return null;
end $$;
create trigger devices_within_quota after insert on devices referencing new table as added
  for each statement execute function devices_within_quota();

-- Nobody changes what was written, the owner included: removing this trigger is a migration that people read.
create function audit_log_only_grows() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log only grows: % is refused', tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger audit_log_only_grows before update or delete or truncate on audit_log
  for each statement execute function audit_log_only_grows();
create index audit_log_by_target on audit_log (tenant, target, id desc);
