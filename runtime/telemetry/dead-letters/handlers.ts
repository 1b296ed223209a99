import type { deadLetterOperations } from '../../contracts/http/dead-letters.ts';
import type { AskedBy, Handlers } from '../../platform/http/serve.ts';
import { type Audit, type AuditLine, auditedLetter } from '../audit.ts';
import type { Stores } from '../stores.ts';
import { type Acted, discardDeadLetter, editDeadLetter, getDeadLetter, replayDeadLetter } from './act.ts';
import { type BulkDone, discardDeadLetters, replayDeadLetters } from './bulk.ts';
import { countDeadLetters, listDeadLetters } from './list.ts';

export function deadLetterHandlers(stores: Stores, audit: Audit): Handlers<typeof deadLetterOperations> {
  const one = (asked: AskedBy, action: AuditLine['action'], work: () => Promise<Acted>) =>
    audit.around(asked, async () => {
      const { before, after } = await work();
      if (after.version === before.version) return { result: after };
      const line = { action, target: after.id, before: auditedLetter(before), after: auditedLetter(after) };
      return { result: after, line };
    });
  const many = (asked: AskedBy, action: AuditLine['action'], what: object, work: () => Promise<BulkDone>) =>
    audit.around(asked, async () => {
      const { result, ids } = await work();
      if (ids.length === 0) return { result };
      return { result, line: { action, target: result.batch, before: { status: 'open' }, after: { ...what, ids } } };
    });

  return {
    listDeadLetters: ({ caller, query }) => listDeadLetters(stores, caller.tenant, query),
    getDeadLetterSummary: ({ caller, query }) => countDeadLetters(stores, caller.tenant, query.batch),
    getDeadLetter: ({ caller, params }) => getDeadLetter(stores, caller.tenant, params.letterId),
    editDeadLetter: (asked) => {
      const { caller, params, body } = asked;
      const { tenant, subject } = caller;
      return one(asked, 'dead-letter.edit', () => editDeadLetter(stores, tenant, params.letterId, body, subject));
    },
    replayDeadLetter: (asked) => {
      const { tenant, subject } = asked.caller;
      return one(asked, 'dead-letter.replay', () => replayDeadLetter(stores, tenant, asked.params.letterId, subject));
    },
    discardDeadLetter: (asked) => {
      const { caller, params, body } = asked;
      const { tenant, subject } = caller;
      return one(asked, 'dead-letter.discard', () =>
        discardDeadLetter(stores, tenant, params.letterId, body.because, subject),
      );
    },
    replayDeadLetters: (asked) => {
      const { caller, body } = asked;
      return many(asked, 'dead-letter.replay-many', { filter: body.filter }, () =>
        replayDeadLetters(stores, caller.tenant, body, caller.subject),
      );
    },
    discardDeadLetters: (asked) => {
      const { caller, body } = asked;
      return many(asked, 'dead-letter.discard-many', { filter: body.filter, because: body.because }, () =>
        discardDeadLetters(stores, caller.tenant, body, caller.subject),
      );
    },
  };
}
