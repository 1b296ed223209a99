import type pg from 'pg';
import type { AuditEntry } from '../../contracts/http/people.ts';
import type { Tx } from '../../platform/database/transaction.ts';

/** Who does something, and under which trace. */
export type Actor = { tenant: string; subject: string; trace: string };
export type Action =
  | 'tenant.create'
  | 'tenant.update'
  | 'user.invite'
  | 'user.join'
  | 'user.update'
  | 'user.remove'
  | 'client.create'
  | 'client.remove';

/**
 * One line of the audit log, in the transaction of what it tells. It stands in the tenant that it is about, which is
 * another than the actor's when who operates the platform makes or changes a tenant.
 */
export async function audit(
  tx: Tx,
  tenant: string,
  actor: Pick<Actor, 'subject' | 'trace'>,
  action: Action,
  target: string,
  change: { before?: unknown; after?: unknown },
): Promise<void> {
  await tx.query(
    'insert into audit_log (tenant, subject, action, target, before, after, trace) values ($1, $2, $3, $4, $5, $6, $7)',
    [tenant, actor.subject, action, target, json(change.before), json(change.after), actor.trace],
  );
}

const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));

export type AuditQuery = {
  subject?: string | undefined;
  action?: string | undefined;
  target?: string | undefined;
  /** Epoch milliseconds; `to` is not included. */
  from?: number | undefined;
  to?: number | undefined;
  /** Lines before this id. */
  before?: string | undefined;
  limit: number;
};

/** Lines of a tenant, newest first, one more than asked for when there are more. */
export async function auditLines(core: Pick<pg.Pool, 'query'>, tenant: string, query: AuditQuery) {
  const { rows } = await core.query<Omit<AuditEntry, 'at'> & { at: Date }>(
    // Ordered by the number: `id` alone would be the text of the same name in the answer.
    `select id::text, at, subject, action, target, before, after, trace from audit_log
     where tenant = $1
       and ($2::text is null or subject = $2)
       and ($3::text is null or action = $3)
       and ($4::text is null or target = $4)
       and ($5::float8 is null or at >= to_timestamp($5 / 1000))
       and ($6::float8 is null or at < to_timestamp($6 / 1000))
       and ($7::bigint is null or id < $7)
     order by audit_log.id desc limit $8`,
    [
      tenant,
      query.subject ?? null,
      query.action ?? null,
      query.target ?? null,
      query.from ?? null,
      query.to ?? null,
      query.before ?? null,
      query.limit + 1,
    ],
  );
  return rows.map((row): AuditEntry => ({ ...row, at: row.at.toISOString() }));
}
