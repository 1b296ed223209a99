import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { DeadLetterDetail, Payload } from '../contracts/http/dead-letters.ts';
import type { Alert } from '../contracts/http/telemetry.ts';
import type { AskedBy } from '../platform/http/serve.ts';
import { guardStore } from '../platform/resilience/store-guard.ts';
import type { Log } from '../platform/service/log.ts';

export type AuditLine = {
  action:
    | 'alert.acknowledge'
    | 'dead-letter.edit'
    | 'dead-letter.replay'
    | 'dead-letter.discard'
    | 'dead-letter.replay-many'
    | 'dead-letter.discard-many';
  target: string;
  before?: unknown;
  after: unknown;
};

export type Audit = {
  /**
   * Does what is to be audited, then writes its line. What changes is in a shard and the line in core, so they are no one
   * transaction: core is asked first, and without it nothing is done. A line that core does not take in the end is in
   * the log, and the letter itself says by whom and when.
   * @param work its result, and the line; none when nothing changed.
   * @throws ProblemError 503 when core is away; what `work` throws.
   */
  around<T>(asked: AskedBy, work: () => Promise<{ result: T; line?: AuditLine | undefined }>): Promise<T>;
};

export function createAudit(core: Pick<pg.Pool, 'connect'>, log: Log): Audit {
  const guard = guardStore({ name: 'core', concurrent: 2 }, log);
  return {
    async around(asked, work) {
      const client = await guard.run(async () => {
        const connected = await core.connect();
        try {
          await connected.query('select');
          return connected;
        } catch (error) {
          connected.release(true);
          throw error;
        }
      });
      let broken = false;
      try {
        const { result, line } = await work();
        if (line !== undefined) broken = !(await written(client, asked, line));
        return result;
      } finally {
        client.release(broken);
      }
    },
  };
}

async function written(client: pg.PoolClient, asked: AskedBy, line: AuditLine): Promise<boolean> {
  const { caller, trace } = asked;
  const { action, target, before, after } = line;
  try {
    await client.query(
      'insert into audit_log (tenant, subject, action, target, before, after, trace) values ($1, $2, $3, $4, $5, $6, $7)',
      [
        caller.tenant,
        caller.subject,
        action,
        target,
        before === undefined ? null : JSON.stringify(before),
        JSON.stringify(after),
        trace,
      ],
    );
    return true;
  } catch (error) {
    asked.log.error({ error, subject: caller.subject, ...line }, 'a change is not in the audit log');
    return false;
  }
}

export function acknowledgedLine(alert: Alert): AuditLine {
  return { action: 'alert.acknowledge', target: `${alert.device}/${alert.id}`, after: alert };
}

/** What of a letter an audit line keeps: what people decide. Of an edit its beginning, and a hash of all of it. */
export function auditedLetter({ status, version, reason, edit, outcome }: DeadLetterDetail) {
  return { status, version, reason, edit: edit === null ? null : auditedPayload(edit), outcome };
}

const keptCharacters = 4_096;

function auditedPayload({ bytes, text, base64 }: Payload) {
  const sha256 = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex');
  const shown =
    text?.includes('\0') === false
      ? { text: text.slice(0, keptCharacters).toWellFormed() }
      : { base64: base64.slice(0, keptCharacters) };
  return { bytes, sha256, ...shown };
}
