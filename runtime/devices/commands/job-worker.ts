import { commandBounds } from '../../contracts/commands.ts';
import type { Core, Tx } from '../database.ts';
import { recordDeliveries } from '../deliveries/changes.ts';
import { applyToCommands } from './events.ts';
import { type JobRow, jobColumns } from './jobs.ts';
import { type CommandRow, openCommands } from './rows.ts';

/** Devices, or commands, of one transaction. */
const chunk = 500;

export type JobStep = {
  /** There is more to do at once. */
  more: boolean;
  /** Devices that have a new command. */
  devices: string[];
  /** Commands that have ended. */
  ended: CommandRow[];
};
const nothing: JobStep = { more: false, devices: [], ended: [] };

/** Jobs that somebody has to go on with, of all tenants. */
export async function openJobs(core: Pick<Core, 'query'>): Promise<{ tenant: string; id: string }[]> {
  return await core.query('select tenant, id from command_jobs where finished_at is null order by random() limit 100');
}

/**
 * One step of a job, one transaction: the next devices get their commands, or, when it is cancelled, the next commands
 * end. How far it is stands in its row, so that whoever comes next goes on there, whenever this process dies. A job that
 * another process is at is left to it.
 */
export async function stepJob(core: Core, tenant: string, id: string, now: number): Promise<JobStep> {
  return await core.transaction(async (tx) => {
    const [job] = await tx.query<JobRow>(
      `select ${jobColumns} from command_jobs
       where tenant = $1 and id = $2 and finished_at is null for update skip locked`,
      [tenant, id],
    );
    if (job === undefined) return nothing;
    if (job.cancel_asked_at !== null) return await cancelSome(tx, job, now);
    if (job.queued_at === null) return await queueSome(tx, job, now);
    await finishIfDone(tx, job, now);
    return nothing;
  });
}

async function queueSome(tx: Tx, job: JobRow, now: number): Promise<JobStep> {
  if (now >= job.deadline.getTime()) {
    await tx.query('update command_jobs set queued_at = $3 where tenant = $1 and id = $2', [
      job.tenant,
      job.id,
      new Date(now),
    ]);
    return { ...nothing, more: true };
  }
  const [made] = await tx.query<{ matched: string; last: string | null; devices: string[] }>(makeCommands, [
    job.tenant,
    job.after_device,
    job.tag,
    job.type,
    chunk,
    commandBounds.openPerDevice,
    job.id,
    job.name,
    JSON.stringify(job.payload),
    job.timeout_seconds,
    job.subject,
    job.trace,
    new Date(now),
    job.deadline,
  ]);
  const matched = Number(made?.matched ?? 0);
  const devices = made?.devices ?? [];
  const done = matched < chunk;
  await tx.query(
    `update command_jobs set after_device = coalesce($3, after_device), commands = commands + $4,
       skipped = skipped + $5, queued_at = $6 where tenant = $1 and id = $2`,
    [job.tenant, job.id, made?.last ?? null, devices.length, matched - devices.length, done ? new Date(now) : null],
  );
  await recordDeliveries(tx, job.tenant, devices);
  return { more: true, devices, ended: [] };
}

/** A device whose queue is full is skipped, and counted. */
const makeCommands = `
with matched as (
  select id from devices
  where tenant = $1 and id > $2 and ($3::text is null or tags @> array[$3::text]) and ($4::text is null or type = $4)
  order by id limit $5
), made as (
  insert into commands (tenant, id, device_id, name, payload, status, job_id, timeout_seconds, subject, trace, created_at,
    deadline)
  select $1, gen_random_uuid(), m.id, $8, $9::jsonb, 'queued', $7::uuid, $10, $11, $12, $13, $14
  from matched m
  where (select count(*) from commands c where c.tenant = $1 and c.device_id = m.id and c.${openCommands}) < $6
  order by m.id
  on conflict (tenant, job_id, device_id) where job_id is not null do nothing
  returning device_id
)
select (select count(*) from matched) as matched, (select max(id) from matched) as last,
  array(select device_id from made) as devices`;

async function cancelSome(tx: Tx, job: JobRow, now: number): Promise<JobStep> {
  const open = await tx.query<{ id: string; device_id: string }>(
    `select id, device_id from commands where tenant = $1 and job_id = $2 and ${openCommands} order by id limit $3`,
    [job.tenant, job.id, chunk],
  );
  const event = { type: 'cancel' } as const;
  const outcomes = await applyToCommands(
    tx,
    open.map(({ id, device_id: device }) => ({ tenant: job.tenant, device, id, event })),
    now,
  );
  if (open.length < chunk) await finishIfDone(tx, job, now);
  const ended = outcomes.flatMap(({ row, ignored }) => (row === undefined || ignored !== undefined ? [] : [row]));
  return { more: open.length === chunk, devices: [], ended };
}

async function finishIfDone(tx: Tx, job: JobRow, now: number): Promise<void> {
  await tx.query(
    `update command_jobs set finished_at = $3 where tenant = $1 and id = $2
       and not exists (select 1 from commands c where c.tenant = $1 and c.job_id = $2 and c.${openCommands})`,
    [job.tenant, job.id, new Date(now)],
  );
}
