import { DeviceRecord, type ImportResult, importRows } from '../runtime/contracts/http/device-import.ts';
import type { Api } from './api.ts';
import type { FileRow } from './device-files-csv.ts';
import { CommandError } from './errors.ts';

/** What became of a row of the file. */
export type RowResult = ImportResult['items'][number];
export type Counts = Record<RowResult['result'], number>;

/**
 * Sends rows as they come, so many a call, each call one transaction. What cannot be a device is answered here. Memory
 * holds the rows of one call, however long the file is.
 * @throws CommandError naming the last row that is done, when the API refuses or is away.
 */
export async function* importRowsOf(
  api: Pick<Api, 'call'>,
  rows: AsyncIterable<FileRow>,
  existing: 'refuse' | 'update',
): AsyncGenerator<RowResult[]> {
  let waiting: { row: number; record: DeviceRecord }[] = [];
  let answered: RowResult[] = [];
  let done = 0;
  const send = async () => {
    const batch = waiting;
    const early = answered;
    waiting = [];
    answered = [];
    if (batch.length === 0) return early;
    try {
      const { items } = await api.call('importDevices', {
        body: { existing, rows: batch.map(({ record }) => record) },
      });
      const results = items.map((item) => ({ ...item, row: batch[item.row - 1]?.row ?? 0, ...elsewhere(item, batch) }));
      done = batch.at(-1)?.row ?? done;
      return [...early, ...results].sort((a, b) => a.row - b.row);
    } catch (cause) {
      const so = done === 0 ? 'no row is done' : `the rows up to ${done} are done`;
      throw new CommandError(
        `${(cause as Error).message}\n  ${so}; the same command again goes on: what is done is unchanged`,
        {
          cause,
        },
      );
    }
  };
  for await (const row of rows) {
    const read = 'invalid' in row ? row.invalid : recordOf(row.value);
    if (typeof read === 'string') answered.push({ row: row.row, id: idOf(row), result: 'invalid', reason: read });
    else waiting.push({ row: row.row, record: read });
    if (waiting.length === importRows || answered.length === importRows) yield await send();
  }
  const rest = await send();
  if (rest.length > 0) yield rest;
}

/** The API counts rows of its call; a person counts those of the file. */
function elsewhere(item: RowResult, batch: readonly { row: number }[]): { reason?: string } {
  if (item.reason === undefined) return {};
  const reason = item.reason.replace(
    /^id: row (\d+) has it/,
    (_, n: string) => `id: row ${batch[Number(n) - 1]?.row} has it`,
  );
  return { reason };
}

function recordOf(value: unknown): DeviceRecord | string {
  const parsed = DeviceRecord.safeParse(value);
  if (parsed.success) return parsed.data;
  return parsed.error.issues.map((issue) => `${issue.path.join('.') || 'row'}: ${issue.message}`).join('; ');
}

function idOf(row: FileRow): string | null {
  const id = 'value' in row ? (row.value as { id?: unknown }).id : undefined;
  return typeof id === 'string' ? id.slice(0, 255) : null;
}
