import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type CommandStatus, commandBounds, commandStatuses, openStatuses } from '../../contracts/commands.ts';
import type { CommandJob, NewCommandJob } from '../../contracts/http/commands.ts';
import { sameJson } from '../../contracts/json.ts';
import { decodeCursor, toPage } from '../../platform/http/cursor.ts';
import { problem } from '../../platform/http/problem.ts';
import { type Actor, audit } from '../audit.ts';
import type { Core, Tx } from '../database.ts';
import { keyUsed } from './send.ts';

/** A row of `command_jobs`, and the columns that make one. */
export type JobRow = {
  tenant: string;
  id: string;
  seq: string;
  name: string;
  payload: unknown;
  tag: string | null;
  type: string | null;
  timeout_seconds: number;
  subject: string;
  trace: string;
  created_at: Date;
  deadline: Date;
  after_device: string;
  commands: number;
  skipped: number;
  queued_at: Date | null;
  cancel_asked_at: Date | null;
  finished_at: Date | null;
};
export const jobColumns =
  'tenant, id, seq, name, payload, tag, type, timeout_seconds, subject, trace, created_at, deadline, after_device, ' +
  'commands, skipped, queued_at, cancel_asked_at, finished_at';

/**
 * Takes on a job; the worker makes its commands (job-worker.ts).
 * @throws ProblemError 409 for an idempotency key of another job; 422 when the tenant has too many open.
 */
export async function createJob(
  core: Core,
  actor: Actor,
  job: NewCommandJob,
  key: string | undefined,
  now: number,
): Promise<JobRow> {
  return await core.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`command-jobs/${actor.tenant}`]);
    if (key !== undefined) {
      const [known] = await tx.query<JobRow>(
        `select ${jobColumns} from command_jobs where tenant = $1 and idempotency_key = $2`,
        [actor.tenant, key],
      );
      if (known !== undefined) return requireSame(known, job);
    }
    const [open] = await tx.query<{ count: string }>(
      'select count(*) from command_jobs where tenant = $1 and finished_at is null',
      [actor.tenant],
    );
    if (Number(open?.count) >= commandBounds.openJobs)
      throw problem(
        422,
        'Too many jobs',
        `tenant '${actor.tenant}' has ${open?.count} jobs that are not finished, allowed are ${commandBounds.openJobs}`,
      );
    const [row] = await tx.query<JobRow>(
      `insert into command_jobs (tenant, id, name, payload, tag, type, timeout_seconds, idempotency_key, subject, trace,
         created_at, deadline)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning ${jobColumns}`,
      [
        actor.tenant,
        randomUUID(),
        job.name,
        JSON.stringify(job.payload ?? null),
        job.tag ?? null,
        job.type ?? null,
        job.timeoutSeconds,
        key ?? null,
        actor.subject,
        actor.trace,
        new Date(now),
        new Date(now + job.timeoutSeconds * 1_000),
      ],
    );
    if (row === undefined) throw new Error('a command job was not written');
    await audit(tx, actor, 'command-job.create', row.id, { after: { ...job, payload: row.payload } });
    return row;
  });
}

function requireSame(row: JobRow, job: NewCommandJob): JobRow {
  const asked = [job.name, job.timeoutSeconds, job.tag ?? null, job.type ?? null, job.payload ?? null];
  if (sameJson([row.name, row.timeout_seconds, row.tag, row.type, row.payload], asked)) return row;
  throw keyUsed(`job ${row.id}`);
}

/** @throws ProblemError 404 */
export async function findJob(tx: Tx, tenant: string, id: string, lock: '' | 'for update' = ''): Promise<JobRow> {
  const [row] = await tx.query<JobRow>(`select ${jobColumns} from command_jobs where tenant = $1 and id = $2 ${lock}`, [
    tenant,
    id,
  ]);
  if (row === undefined) throw problem(404, 'No such job', `tenant '${tenant}' has no command job '${id}'`);
  return row;
}

const Place = z.strictObject({ seq: z.string().regex(/^\d{1,18}$/) });

export async function listJobs(core: Core, tenant: string, listing: { cursor?: string | undefined; limit: number }) {
  const before = decodeCursor(Place, listing.cursor)?.seq;
  const rows = await core.query<JobRow>(
    `select ${jobColumns} from command_jobs where tenant = $1 and ($2::bigint is null or seq < $2)
     order by seq desc limit $3`,
    [tenant, before ?? null, listing.limit + 1],
  );
  const { items, next } = toPage(
    rows,
    listing.limit,
    (row) => row,
    (row) => ({ seq: row.seq }),
  );
  return { items: await withCounts(core, tenant, items), next };
}

/** Asks the worker to end it; what is finished stays as it is. @throws ProblemError 404 */
export async function cancelJob(core: Core, actor: Actor, id: string, now: number): Promise<JobRow> {
  return await core.transaction(async (tx) => {
    const before = await findJob(tx, actor.tenant, id, 'for update');
    if (before.finished_at !== null || before.cancel_asked_at !== null) return before;
    await tx.query('update command_jobs set cancel_asked_at = $3 where tenant = $1 and id = $2', [
      actor.tenant,
      id,
      new Date(now),
    ]);
    await audit(tx, actor, 'command-job.cancel', id, {});
    return { ...before, cancel_asked_at: new Date(now) };
  });
}

/** Jobs as people see them, with how many commands stand where; one query for all. */
export async function withCounts(
  core: Pick<Core, 'query'>,
  tenant: string,
  jobs: readonly JobRow[],
): Promise<CommandJob[]> {
  const rows = await core.query<{ job_id: string; status: CommandStatus; count: string }>(
    `select job_id, status, count(*) from commands where tenant = $1 and job_id = any($2::uuid[]) group by 1, 2`,
    [tenant, jobs.map((job) => job.id)],
  );
  return jobs.map((job) => {
    const counts = Object.fromEntries(commandStatuses.map((status) => [status, 0])) as CommandJob['counts'];
    for (const { job_id: id, status, count } of rows) if (id === job.id) counts[status] = Number(count);
    return toJob(job, counts);
  });
}

function toJob(row: JobRow, counts: CommandJob['counts']): CommandJob {
  return {
    id: row.id,
    name: row.name,
    payload: row.payload,
    tag: row.tag,
    type: row.type,
    status: jobStatus(
      row,
      openStatuses.some((status) => counts[status] > 0),
    ),
    createdAt: row.created_at.toISOString(),
    createdBy: row.subject,
    deadline: row.deadline.toISOString(),
    commands: row.commands,
    skipped: row.skipped,
    counts,
  };
}

/** Pure. `open`: some of its commands are not finished. */
export function jobStatus(
  row: Pick<JobRow, 'queued_at' | 'cancel_asked_at' | 'finished_at'>,
  open: boolean,
): CommandJob['status'] {
  if (row.cancel_asked_at !== null) return row.finished_at === null ? 'cancelling' : 'cancelled';
  if (row.queued_at === null) return 'queueing';
  return open ? 'running' : 'finished';
}
