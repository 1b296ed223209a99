-- Up Migration
-- Dead letters as something that people work on: edited, replayed by the processor, discarded, and kept a while as proof.
alter table dead_letters
  add column kind text not null default 'events' check (kind in ('events', 'state')),
  -- Place of the reading in its message; -1: the payload is a whole message.
  add column place integer not null default -1,
  -- The reading had neither ts nor seq of its own: its identity is the gateway's stamp and its message.
  add column stamped boolean not null default false,
  -- The values are those after the type's transform, which a replay must not run again.
  add column transformed boolean not null default false,
  add column status text not null default 'open' check (status in ('open', 'replaying', 'replayed', 'discarded')),
  -- Rises with every change; a change names the version that it was made from.
  add column version integer not null default 1,
  -- Replays that came to an end.
  add column attempts integer not null default 0,
  -- What is replayed instead of the payload, which stays as it came.
  add column edited bytea,
  -- The bulk action that took it last: each takes a letter once.
  add column batch text,
  add column changed_by text,
  add column changed_at timestamptz,
  -- Why it was discarded, or what the last replay came to.
  add column outcome jsonb;

-- What an older release wrote, as far as it can be told from the letter.
update dead_letters set transformed = true, place = 0
where reason = 'conflict' or (reason = 'rejected' and detail like 'the store refused it (%');
update dead_letters set kind = 'state'
where detail like 'a reported state %' or detail like 'the store refused the reported state%';

create index dead_letters_open on dead_letters (tenant, created_at desc, id) where status = 'open';
create index dead_letters_replaying on dead_letters (changed_at) where status = 'replaying';
create index dead_letters_resolved on dead_letters (changed_at) where status in ('replayed', 'discarded');
create index dead_letters_by_batch on dead_letters (tenant, batch) where batch is not null;
