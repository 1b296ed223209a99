-- Up Migration
-- Ways for a device to become one of ours: a claim code, a certificate of its maker, a key for JWT.

-- One-time codes that let a device enrol. The code itself is nowhere: `code_hash` is its HMAC under a key that is not here.
create table claim_codes (
  tenant text collate "C" not null references tenants (id),
  id text collate "C" not null,
  code_hash bytea not null unique,
  type text collate "C" not null,
  -- At most one of both: the device that this code is for, or how the id of its device begins.
  device_id text collate "C",
  device_prefix text collate "C",
  tags text[] not null default '{}',
  created_at timestamptz not null default now(),
  created_by text not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  -- Set together, once. The same key gets `answer` (certificate and chain, nothing secret) again for a while.
  used_at timestamptz,
  used_by text collate "C",
  used_key_hash bytea,
  answer jsonb,
  primary key (tenant, id),
  foreign key (tenant, type) references device_types (tenant, id),
  check (device_id is null or device_prefix is null),
  check ((used_at is null) = (used_by is null) and (used_at is null) = (used_key_hash is null))
);
create index claim_codes_by_time on claim_codes (tenant, created_at desc, id desc);

-- CAs of makers, whose devices register themselves. `id` is the head of the certificate's SHA-256.
create table factory_authorities (
  tenant text collate "C" not null references tenants (id),
  id text collate "C" not null,
  name text not null,
  certificate text not null,
  status text not null check (status in ('pending', 'active', 'disabled')),
  -- What the tenant signs with the CA's key to show that it has it.
  challenge text not null,
  type text collate "C" not null,
  tags text[] not null default '{}',
  device_prefix text not null default '',
  take_over boolean not null default false,
  not_after timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant, id),
  foreign key (tenant, type) references device_types (tenant, id)
);
-- Whose device it is must follow from who signed: a CA in force belongs to one tenant.
create unique index factory_authorities_in_force on factory_authorities (id) where status = 'active';

-- Which factory CA signed it; null: ours. The serial of such a certificate is the head of its SHA-256, since two CAs may
-- give out the same number.
alter table certificates add column factory_authority text collate "C";

-- Public keys of devices that log in by JWT.
create table device_keys (
  tenant text collate "C" not null,
  device_id text collate "C" not null,
  id text collate "C" not null,
  algorithm text not null check (algorithm in ('ES256', 'RS256')),
  -- SubjectPublicKeyInfo, DER.
  public_key bytea not null,
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (tenant, device_id, id),
  foreign key (tenant, device_id) references devices (tenant, id)
);

-- How a tenant's devices may log in without a certificate. No row: they may not.
create table device_access (
  tenant text collate "C" primary key references tenants (id),
  jwt boolean not null default false,
  updated_at timestamptz not null default now()
);
-- Values of `aud` in the JWTs of a tenant's devices; one names one tenant.
create table device_audiences (
  audience text collate "C" primary key,
  tenant text collate "C" not null references tenants (id)
);

-- More that gateways must know. `data` has what the kind needs; `device_id` is empty where it is about a tenant.
alter table identity_changes add column data jsonb;
alter table identity_changes drop constraint identity_changes_change_check;
alter table identity_changes add constraint identity_changes_change_check check (change in
  ('blocked', 'unblocked', 'certificate-revoked', 'keys', 'factory-authority', 'factory-certificate', 'device-access'));
