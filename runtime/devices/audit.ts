import type { AskedBy } from '../platform/http/serve.ts';
import type { Tx } from './database.ts';

/** Who does something, and under which trace. */
export type Actor = { tenant: string; subject: string; trace: string };
export const actorOf = ({ caller, trace }: Pick<AskedBy, 'caller' | 'trace'>): Actor => ({
  tenant: caller.tenant,
  subject: caller.subject,
  trace,
});
export type Action =
  | 'device.create'
  | 'device.update'
  | 'device.block'
  | 'device.unblock'
  | 'certificate.issue'
  | 'certificate.revoke'
  | 'device-type.put'
  | 'claim-code.create'
  | 'claim-code.revoke'
  | 'claim-code.use'
  | 'device-key.add'
  | 'device-key.remove'
  | 'device-access.put'
  | 'factory-authority.add'
  | 'factory-authority.activate'
  | 'factory-authority.disable'
  | 'certificate.register'
  | 'twin.desired'
  | 'command.send'
  | 'command.cancel'
  | 'command-job.create'
  | 'command-job.cancel';

/** One line of the audit log, in the transaction of what it tells: the one is never without the other. */
export async function audit(
  tx: Tx,
  actor: Actor,
  action: Action,
  target: string,
  change: { before?: unknown; after?: unknown },
): Promise<void> {
  await tx.query(
    'insert into audit_log (tenant, subject, action, target, before, after, trace) values ($1, $2, $3, $4, $5, $6, $7)',
    [actor.tenant, actor.subject, action, target, json(change.before), json(change.after), actor.trace],
  );
}

/** Many lines in one statement, in the transaction of what they tell. */
export async function auditMany(
  tx: Tx,
  actor: Actor,
  lines: readonly { action: Action; target: string; before?: unknown; after?: unknown }[],
): Promise<void> {
  if (lines.length === 0) return;
  await tx.query(
    `insert into audit_log (tenant, subject, action, target, before, after, trace)
     select $1, $2, action, target, before, after, $3 from unnest($4::text[], $5::text[], $6::jsonb[], $7::jsonb[])
       as l (action, target, before, after)`,
    [
      actor.tenant,
      actor.subject,
      actor.trace,
      lines.map((line) => line.action),
      lines.map((line) => line.target),
      lines.map((line) => json(line.before)),
      lines.map((line) => json(line.after)),
    ],
  );
}

function json(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
