import { createHash } from 'node:crypto';
import type { TwinDocument } from '../../contracts/twin.ts';
import { type Actor, audit } from '../audit.ts';
import type { Core, Tx } from '../database.ts';
import { recordDeliveries } from '../deliveries/changes.ts';
import type { StoredDesired, TwinDocuments } from './documents.ts';

type Change = { version: number; document: TwinDocument };
type Intent = {
  tenant: string;
  device_id: string;
  id: string;
  subject: string;
  trace: string;
  before: unknown;
  after: unknown;
};

/** A younger intent may still be at work. */
const staleSeconds = 30;

/**
 * Writes down what is meant to change, and finishes the change before it, should its own process have died: `before`
 * shows that it came to be.
 */
export async function openIntent(
  core: Core,
  actor: Actor,
  device: string,
  intent: { id: string; at: number; before: StoredDesired; after: Change },
): Promise<void> {
  const { id, at, before, after } = intent;
  await core.transaction(async (tx) => {
    if (before.change !== '') await finish(tx, actor.tenant, device, before.change);
    await tx.query(
      `insert into twin_intents (tenant, device_id, id, subject, trace, before, after, at)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [actor.tenant, device, id, actor.subject, actor.trace, audited(before), audited(after), new Date(at)],
    );
  });
}

/** The document is written: audit line, word to the gateways, end of the intent, together. */
export async function finishIntent(core: Core, tenant: string, device: string, id: string): Promise<void> {
  await core.transaction((tx) => finish(tx, tenant, device, id));
}

export async function dropIntent(core: Core, tenant: string, device: string, id: string): Promise<void> {
  await core.query('delete from twin_intents where tenant = $1 and device_id = $2 and id = $3', [tenant, device, id]);
}

/**
 * Finishes the intents of processes that died, where the document shows that the change came to be; forgets the others.
 * A change that was followed by another one was finished by that.
 * @returns devices that have something to fetch.
 */
export async function sweepIntents(core: Core, twins: TwinDocuments): Promise<{ tenant: string; device: string }[]> {
  const stale = await core.query<Intent>(
    `select tenant, device_id, id from twin_intents where at < now() - make_interval(secs => $1) order by at limit 100`,
    [staleSeconds],
  );
  const finished: { tenant: string; device: string }[] = [];
  for (const { tenant, device_id: device, id } of stale) {
    const { change } = await twins.desired(tenant, device);
    if (change === id) {
      await finishIntent(core, tenant, device, id);
      finished.push({ tenant, device });
    } else await dropIntent(core, tenant, device, id);
  }
  return finished;
}

async function finish(tx: Tx, tenant: string, device: string, id: string): Promise<void> {
  const [intent] = await tx.query<Intent>(
    'delete from twin_intents where tenant = $1 and device_id = $2 and id = $3 returning *',
    [tenant, device, id],
  );
  if (intent === undefined) return; // finished already, by the sweep or by the change after it
  const { subject, trace, before, after } = intent;
  await audit(tx, { tenant, subject, trace }, 'twin.desired', device, { before, after });
  await recordDeliveries(tx, tenant, [device]);
}

/** A document in an audit line: whole while it is small, otherwise by its hash. */
const mostAudited = 16_384;

function audited({ version, document }: Change): string {
  const text = JSON.stringify(document);
  if (text.length <= mostAudited) return JSON.stringify({ version, document });
  const sha256 = createHash('sha256').update(text).digest('hex');
  return JSON.stringify({ version, bytes: Buffer.byteLength(text), sha256 });
}
