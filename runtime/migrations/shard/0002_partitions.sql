-- Up Migration
-- Makes a partition with the rights of the tables' owner, so that a service that stores readings needs not own them: it
-- may add a day, and can neither drop one nor change a table. Whoever may call it is in runtime/migrations/grants.ts.
-- A definer's function names its search path, or its caller could put other objects in the way:
-- https://www.postgresql.org/docs/18/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY
create function make_partition(parent text, day date) returns text
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  daily constant boolean := parent = 'readings';
  first date;
  beyond date;
  child text;
begin
  if parent not in ('readings', 'rollup_1m', 'rollup_1h') then
    raise exception 'no partitions are made of %; allowed are readings, rollup_1m and rollup_1h', quote_literal(parent)
      using errcode = 'invalid_parameter_value';
  end if;
  -- Ten years of retention back, and a clock that is wrong: a caller cannot make tables without end.
  if day < current_date - 3700 or day > current_date + 366 then
    raise exception 'no partition is made for %; allowed are % to %', day, current_date - 3700, current_date + 366
      using errcode = 'invalid_parameter_value';
  end if;
  first := case when daily then day else date_trunc('month', day)::date end;
  beyond := case when daily then day + 1 else (first + interval '1 month')::date end;
  child := parent || '_' || to_char(first, case when daily then 'YYYYMMDD' else 'YYYYMM' end);
  -- Two services that want the same day would wait for each other's locks; here the second finds it made.
  perform pg_advisory_xact_lock(7411001);
  execute format(
    'create table if not exists public.%I partition of public.%I for values from (%L) to (%L)',
    child, parent, first || ' 00:00+00', beyond || ' 00:00+00');
  return child;
end
$$;
revoke all on function make_partition(text, date) from public;
