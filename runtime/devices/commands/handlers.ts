import type { commandOperations } from '../../contracts/http/commands.ts';
import type { Handlers } from '../../platform/http/serve.ts';
import type { Log } from '../../platform/service/log.ts';
import { actorOf } from '../audit.ts';
import type { Core } from '../database.ts';
import { cancelJob, createJob, findJob, type JobRow, listJobs, withCounts } from './jobs.ts';
import { cancelCommand, findCommand, listCommands, listWhere } from './queries.ts';
import { type CommandRow, toCommand } from './rows.ts';
import { sendCommand } from './send.ts';
import type { Waiters } from './waiters.ts';

export type CommandParts = {
  core: Core;
  waiters: Waiters;
  clock: () => number;
  /** A device has a new command. */
  onQueued: (row: CommandRow, log: Log) => void;
  /** Commands have changed. */
  onCommands: (rows: readonly CommandRow[]) => void;
  /** A job is new or asked to end. */
  onJob: () => void;
};

export function commandHandlers(parts: CommandParts): Handlers<typeof commandOperations> {
  const { core, waiters, clock } = parts;
  const one = async (job: JobRow) => {
    const [shown] = await withCounts(core, job.tenant, [job]);
    if (shown === undefined) throw new Error(`job ${job.id} got no counts`);
    return shown;
  };
  return {
    sendCommand: async (asked) => {
      const { params, body: command, headers, query, signal, log } = asked;
      const key = headers['idempotency-key'];
      const sending = { device: params.deviceId, command, key, now: clock() };
      const { row, made } = await sendCommand(core, actorOf(asked), sending);
      if (made) parts.onQueued(row, log);
      return toCommand(await waiters.wait(row, query.wait * 1_000, signal));
    },
    listCommands: ({ caller, params, query }) => listCommands(core, caller.tenant, params.deviceId, query),
    getCommand: async ({ caller, params, query, signal }) => {
      const row = await findCommand(core, caller.tenant, params.deviceId, params.commandId);
      return toCommand(await waiters.wait(row, query.wait * 1_000, signal));
    },
    cancelCommand: async (asked) => {
      const { deviceId, commandId } = asked.params;
      const row = await cancelCommand(core, actorOf(asked), deviceId, commandId, clock());
      parts.onCommands([row]);
      return toCommand(row);
    },
    createCommandJob: async (asked) => {
      const job = await createJob(core, actorOf(asked), asked.body, asked.headers['idempotency-key'], clock());
      parts.onJob();
      return await one(job);
    },
    listCommandJobs: ({ caller, query }) => listJobs(core, caller.tenant, query),
    getCommandJob: async ({ caller, params }) => await one(await findJob(core, caller.tenant, params.jobId)),
    listJobCommands: async ({ caller, params, query }) => {
      await findJob(core, caller.tenant, params.jobId);
      return await listWhere(core, caller.tenant, { column: 'job_id', value: params.jobId }, query);
    },
    cancelCommandJob: async (asked) => {
      const job = await cancelJob(core, actorOf(asked), asked.params.jobId, clock());
      parts.onJob();
      return await one(job);
    },
  };
}
