import { DeviceRecord, type ImportResult } from '../contracts/http/device-import.ts';
import { zodErrors } from '../platform/http/validate.ts';
import type { DeviceRow } from './device-row.ts';

export type Known = Pick<DeviceRow, 'id' | 'name' | 'type' | 'tags' | 'status'>;
/** A device as it shall be, and as it was when it is there. */
export type Change = { row: number; before: Known | undefined; after: Known; reason: string };
type Item = ImportResult['items'][number];
type Read = { row: number; record: DeviceRecord };

/** The rows that can be read, each id once; and an answer for each that cannot. */
export function readRows(rows: readonly unknown[]): { read: Read[]; items: Item[] } {
  const read: Read[] = [];
  const items: Item[] = [];
  const first = new Map<string, number>();
  for (const [index, given] of rows.entries()) {
    const row = index + 1;
    const parsed = DeviceRecord.safeParse(given);
    if (!parsed.success) {
      const errors = zodErrors(parsed.error.issues, 'row', given, DeviceRecord);
      const reason = errors.map(({ field, message }) => `${field.replace(/^row\./, '')}: ${message}`).join('; ');
      const id = (given as { id?: unknown } | null)?.id;
      items.push({ row, id: typeof id === 'string' ? id.slice(0, 255) : null, result: 'invalid', reason });
      continue;
    }
    const { id } = parsed.data;
    const earlier = first.get(id);
    if (earlier === undefined) {
      first.set(id, row);
      read.push({ row, record: parsed.data });
    } else items.push({ row, id, result: 'conflict', reason: `id: row ${earlier} has it already` });
  }
  return { read, items };
}

/** What becomes of the rows that can be read. Pure: the same rows again, after it was done, come to `unchanged`. */
export function planImport(
  read: readonly Read[],
  known: ReadonlyMap<string, Known>,
  types: ReadonlySet<string>,
  existing: 'refuse' | 'update',
): { changes: Change[]; items: Item[] } {
  const changes: Change[] = [];
  const items: Item[] = [];
  for (const { row, record } of read) {
    const { id } = record;
    const before = known.get(id);
    const after = applied(record, before);
    const answer = (result: Item['result'], reason?: string) =>
      items.push({ row, id, result, ...(reason === undefined ? {} : { reason }) });
    if (record.type !== undefined && !types.has(record.type)) {
      answer('invalid', `type: there is no device type '${record.type}'; GET /v1/device-types lists them`);
      continue;
    }
    const reason = record.blockedReason ?? 'by import';
    if (before === undefined) {
      answer('created');
      changes.push({ row, before, after, reason });
      continue;
    }
    const other = differences(before, after);
    if (other.length === 0) answer('unchanged');
    else if (existing === 'refuse') answer('conflict', other.join('; '));
    else {
      answer('updated');
      changes.push({ row, before, after, reason });
    }
  }
  return { changes, items };
}

function applied({ id, name, type, tags, status }: DeviceRecord, before: Known | undefined): Known {
  const now = before ?? { id, name: id, type: 'generic', tags: [], status: 'active' as const };
  return {
    id,
    name: name ?? now.name,
    type: type ?? now.type,
    tags: tags === undefined ? now.tags : [...new Set(tags)],
    status: status ?? now.status,
  };
}

const fields = ['name', 'type', 'tags', 'status'] as const;

function differences(before: Known, after: Known): string[] {
  const shown = (value: unknown) => JSON.stringify(value).slice(0, 80);
  return fields
    .filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
    .map((field) => `${field}: the device has ${shown(before[field])}, the row ${shown(after[field])}`);
}
