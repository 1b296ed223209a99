-- Up Migration
-- What the parts of the cloud need the registry to remember. On one machine these tables stay empty.

-- Certificates of the issuing CA whose key is in KMS: the root signed them at run time. The newest signs; all that are not
-- over are trusted.
create table issuing_authorities (
  serial text collate "C" primary key,
  -- Full names in Google Cloud: the key version that signs with it, the pool whose root signed it.
  key text not null,
  root_pool text not null,
  certificate text not null,
  -- CAs between it and the root, PEM, usually none.
  chain text not null,
  root text not null,
  not_after timestamptz not null,
  created_at timestamptz not null default now()
);

-- The one-time code of the first administrator, as a SHA-256 of 128 random bits; one row or none.
create table first_administrator (
  single boolean primary key default true check (single),
  code_hash bytea not null,
  created_at timestamptz not null default now(),
  -- When the code was put where the administrator finds it; a row without it is made anew by the next start.
  delivered_at timestamptz,
  redeemed_at timestamptz,
  redeemed_by text
);

-- Documents (twins), where they are not in Firestore.
create table documents (
  collection text collate "C" not null,
  tenant text collate "C" not null references tenants (id),
  id text collate "C" not null,
  value jsonb not null,
  -- Values by which documents are found, text each.
  fields jsonb not null default '{}',
  version bigint not null default 1,
  updated_at timestamptz not null default now(),
  primary key (collection, tenant, id)
);
create index documents_by_field on documents using gin (fields jsonb_path_ops);
