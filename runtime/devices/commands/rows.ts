import type { CommandStatus } from '../../contracts/commands.ts';
import type { Command } from '../../contracts/http/commands.ts';
import type { CommandState } from './machine.ts';

/** A row of `commands`, and the columns that make one. */
export type CommandRow = {
  tenant: string;
  id: string;
  device_id: string;
  seq: string;
  name: string;
  payload: unknown;
  status: CommandStatus;
  job_id: string | null;
  timeout_seconds: number;
  subject: string;
  trace: string;
  created_at: Date;
  deadline: Date;
  attempts: number;
  sent_at: Date | null;
  connection: string | null;
  acknowledged_at: Date | null;
  finished_at: Date | null;
  result: unknown;
  late_status: 'succeeded' | 'failed' | null;
  late_result: unknown;
  late_at: Date | null;
};
export const commandColumns =
  'tenant, id, device_id, seq, name, payload, status, job_id, timeout_seconds, subject, trace, created_at, deadline, ' +
  'attempts, sent_at, connection, acknowledged_at, finished_at, result, late_status, late_result, late_at';
export const openCommands = "status in ('queued', 'sent', 'acknowledged')";

export function stateOf(row: CommandRow): CommandState {
  return {
    status: row.status,
    deadline: row.deadline.getTime(),
    attempts: row.attempts,
    sentAt: row.sent_at?.getTime() ?? null,
    connection: row.connection === null ? null : Number(row.connection),
    acknowledgedAt: row.acknowledged_at?.getTime() ?? null,
    finishedAt: row.finished_at?.getTime() ?? null,
    result: row.result,
    late:
      row.late_status === null || row.late_at === null
        ? null
        : { status: row.late_status, result: row.late_result, at: row.late_at.getTime() },
  };
}

export function withState(row: CommandRow, state: CommandState): CommandRow {
  const date = (ms: number | null) => (ms === null ? null : new Date(ms));
  return {
    ...row,
    status: state.status,
    attempts: state.attempts,
    sent_at: date(state.sentAt),
    connection: state.connection === null ? null : String(state.connection),
    acknowledged_at: date(state.acknowledgedAt),
    finished_at: date(state.finishedAt),
    result: state.result,
    late_status: state.late?.status ?? null,
    late_result: state.late?.result ?? null,
    late_at: date(state.late?.at ?? null),
  };
}

export function toCommand(row: CommandRow): Command {
  const time = (date: Date | null) => date?.toISOString() ?? null;
  return {
    id: row.id,
    device: row.device_id,
    name: row.name,
    payload: row.payload,
    status: row.status,
    job: row.job_id,
    createdAt: row.created_at.toISOString(),
    createdBy: row.subject,
    deadline: row.deadline.toISOString(),
    attempts: row.attempts,
    sentAt: time(row.sent_at),
    acknowledgedAt: time(row.acknowledged_at),
    finishedAt: time(row.finished_at),
    result: row.result ?? null,
    late:
      row.late_status === null || row.late_at === null
        ? null
        : { status: row.late_status, result: row.late_result ?? null, at: row.late_at.toISOString() },
  };
}
