import { sameJson } from '../../contracts/json.ts';
import type { Report } from '../../contracts/twin.ts';
import { DocumentConflict } from '../../platform/documents/documents.ts';
import type { StoredReported, TwinDocuments } from './documents.ts';

/** What a device said, and where: number of its connection, and place in it. */
export type Said = {
  tenant: string;
  device: string;
  report: Report;
  connection: number;
  order: number;
  received: number;
};

type Marks = Pick<StoredReported, 'deviceVersion' | 'connection' | 'order'>;

/**
 * Whether `said` is newer than what is stored. The device's own versions decide where both have one; otherwise the order
 * in which the gateways took them. A redelivery is not newer than itself. Pure.
 */
export function isNewer(said: Marks, stored: Marks): boolean {
  if (said.deviceVersion !== null && stored.deviceVersion !== null && said.deviceVersion !== stored.deviceVersion)
    return said.deviceVersion > stored.deviceVersion;
  if (said.deviceVersion !== null && said.deviceVersion === stored.deviceVersion) return false;
  if (said.connection !== stored.connection) return said.connection > stored.connection;
  return said.order > stored.order;
}

/** Of each device the newest only: what a batch has besides would be overwritten at once. Pure. */
export function newestOfEach(all: readonly Said[]): Said[] {
  const newest = new Map<string, Said>();
  for (const said of all) {
    const key = `${said.tenant}/${said.device}`;
    const known = newest.get(key);
    if (known === undefined || isNewer(marksOf(said), marksOf(known))) newest.set(key, said);
  }
  return [...newest.values()];
}

const marksOf = ({ report, connection, order }: Said): Marks => ({
  deviceVersion: report.version,
  connection,
  order,
});

export type Applied = 'changed' | 'same' | 'stale';
const mostTries = 20;

/**
 * Applies a report by compare-and-set: redelivered or overtaken it changes nothing.
 * @returns what came of it, and the version that is stored now.
 */
export async function applyReport(twins: TwinDocuments, said: Said): Promise<{ applied: Applied; version: number }> {
  const { tenant, device, report } = said;
  for (let tries = 1; ; tries++) {
    const before = await twins.reported(tenant, device);
    if (!isNewer(marksOf(said), before)) return { applied: 'stale', version: before.version };
    const same = before.tag !== undefined && sameJson(report.document, before.document);
    // Also what says nothing new is written: its marks keep out what is older than it.
    const version = same ? before.version : before.version + 1;
    const updatedAt = same ? before.updatedAt : new Date(said.received).toISOString();
    const next = { ...marksOf(said), version, updatedAt, document: report.document };
    try {
      await twins.putReported(tenant, device, before, next);
      return { applied: same ? 'same' : 'changed', version };
    } catch (error) {
      if (!(error instanceof DocumentConflict) || tries >= mostTries) throw error;
    }
  }
}
