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

function json(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
