import type pg from 'pg';
import type { Alert } from '../contracts/http/telemetry.ts';
import type { AskedBy } from '../platform/http/serve.ts';

/**
 * A line of the audit log (core) for what this service changes in a shard. Two databases, so no one transaction: best
 * effort, and not awaited. What is acknowledged also says by whom and when, in the alert itself.
 */
export function auditAcknowledged(core: Pick<pg.Pool, 'query'>, asked: AskedBy, alert: Alert): void {
  const { caller, trace, log } = asked;
  const target = `${alert.device}/${alert.id}`;
  core
    .query(
      `insert into audit_log (tenant, subject, action, target, after, trace)
       values ($1, $2, 'alert.acknowledge', $3, $4, $5)`,
      [caller.tenant, caller.subject, target, JSON.stringify(alert), trace],
    )
    .catch((error: unknown) => log.error({ error, target }, 'an acknowledgement is not in the audit log'));
}
