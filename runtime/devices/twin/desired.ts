import { randomUUID } from 'node:crypto';
import { sameJson } from '../../contracts/json.ts';
import { documentProblem, type TwinDocument } from '../../contracts/twin.ts';
import { DocumentConflict } from '../../platform/documents/documents.ts';
import { problem } from '../../platform/http/problem.ts';
import type { Actor } from '../audit.ts';
import type { Core } from '../database.ts';
import { findDevice } from '../registry.ts';
import type { StoredDesired, TwinDocuments } from './documents.ts';
import { dropIntent, finishIntent, openIntent } from './intents.ts';

export type DesiredParts = { core: Core; twins: TwinDocuments; clock: () => number };
/** What If-Match says: a version, any that there is, or nothing. */
export type IfMatch = number | 'any' | undefined;

export function readIfMatch(header: string | undefined): IfMatch {
  if (header === undefined) return undefined;
  return header === '*' ? 'any' : Number(header.slice(1, -1));
}

/** Tries of a change without If-Match that others overtake. */
const mostTries = 8;

/**
 * Changes a desired state by compare-and-set. The document and the core database are two stores, so the intent is
 * written to the core first, then the document, then, in one transaction, audit line, word to the gateways and the end of
 * the intent. Who dies in between leaves an intent, which the next change or the sweep finishes (intents.ts).
 * @returns the desired state and whether it changed.
 * @throws ProblemError 404; 412 when If-Match names another version; 422 for a document beyond its bounds.
 */
export async function changeDesired(
  parts: DesiredParts,
  actor: Actor,
  device: string,
  ifMatch: IfMatch,
  change: (document: TwinDocument) => TwinDocument,
): Promise<{ desired: StoredDesired; changed: boolean }> {
  const { core, twins, clock } = parts;
  await findDevice(core, actor.tenant, device);
  for (let tries = 1; ; tries++) {
    const before = await twins.desired(actor.tenant, device);
    requireMatch(before, ifMatch);
    const document = change(before.document);
    const wrong = documentProblem(document);
    if (wrong !== undefined)
      throw problem(422, 'Desired state refused', `the desired state would be one that ${wrong}`);
    if (before.tag !== undefined && sameJson(document, before.document)) return { desired: before, changed: false };
    const at = clock();
    const next = {
      version: before.version + 1,
      updatedAt: new Date(at).toISOString(),
      document,
      change: randomUUID(),
    };
    await openIntent(core, actor, device, { id: next.change, at, before, after: next });
    try {
      await twins.putDesired(actor.tenant, device, before, next);
    } catch (error) {
      if (!(error instanceof DocumentConflict)) throw error; // whether it was stored is not known: the sweep finds out
      await dropIntent(core, actor.tenant, device, next.change);
      if (ifMatch === undefined && tries < mostTries) continue;
      throw ifMatch === undefined
        ? problem(409, 'Changed meanwhile', `the desired state of '${device}' changes too often now; try again`)
        : changed(before.version);
    }
    await finishIntent(core, actor.tenant, device, next.change);
    return { desired: { ...next, tag: '' }, changed: true };
  }
}

function requireMatch({ version }: StoredDesired, ifMatch: IfMatch): void {
  if (ifMatch === undefined || ifMatch === version || (ifMatch === 'any' && version > 0)) return;
  throw problem(
    412,
    'Precondition failed',
    ifMatch === 'any'
      ? 'there is no desired state yet; leave If-Match out, or give "0"'
      : `the version is ${version}, not ${ifMatch}; read it again`,
  );
}

const changed = (version: number) =>
  problem(412, 'Precondition failed', `the version is not ${version} any more; read it again`);
