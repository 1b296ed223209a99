import { parse } from 'csv-parse';
import { stringify } from 'csv-stringify/sync';
import type { DeviceRecord } from '../runtime/contracts/http/device-import.ts';
import { CommandError } from './errors.ts';

/** A row of a file: what it says, or why it says nothing. `row` counts from 1, the head of a CSV file not counted. */
export type FileRow = { row: number; value: unknown } | { row: number; invalid: string };

export const columns = ['id', 'name', 'type', 'tags', 'status', 'blockedReason'] as const;

/** A row longer than any device can be; a quote that is never closed would otherwise take the rest of the file. */
const mostCharacters = 16_384;

/**
 * Rows of CSV (RFC 4180), as they come in. A cell that is empty says nothing, but for `tags`, which then are none. A
 * cell that begins like a formula has a quote before it, as `toCsv` writes it.
 * @throws CommandError for a head that is wrong and for text that is no CSV: what follows would be guesswork.
 */
export async function* fromCsv(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileRow> {
  const parser = parse({
    bom: true,
    columns: checkedHead,
    max_record_size: mostCharacters,
    relax_column_count: true,
    skip_empty_lines: true,
    raw: false,
    info: true,
  });
  const feeding = (async () => {
    for await (const chunk of chunks) {
      if (!parser.write(chunk)) await new Promise((resolve) => parser.once('drain', resolve));
      if (parser.destroyed) return;
    }
    parser.end();
  })();
  feeding.catch((error: Error) => parser.destroy(error));
  let row = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: Record<string, string>;
      info: { error?: { code: string; message: string } };
    }>) {
      row++;
      if (info.error !== undefined) yield { row, invalid: 'it has more or fewer cells than the head' };
      else yield cells(row, record);
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const { code, message } = error as { code?: string; message: string };
    const why =
      code === 'CSV_MAX_RECORD_SIZE'
        ? `it is longer than ${mostCharacters} characters; is a quote not closed?`
        : message;
    throw new CommandError(`row ${row + 1} cannot be read: ${why}`, { cause: error });
  }
}

function checkedHead(head: readonly string[]): string[] {
  const names = head.map((name) => name.trim());
  const allowed = `allowed are ${columns.join(', ')}, in any order`;
  const unknown = names.find((name) => !(columns as readonly string[]).includes(name));
  if (unknown !== undefined) throw new CommandError(`there is no column '${unknown.slice(0, 64)}'; ${allowed}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new CommandError(`column '${twice}' is there twice; ${allowed}`);
  if (!names.includes('id')) throw new CommandError(`the first line is the head and has a column id; ${allowed}`);
  return names;
}

function cells(row: number, record: Record<string, string>): FileRow {
  if (Object.values(record).some((cell) => cell.includes('\uFFFD'))) return { row, invalid: 'it is not UTF-8' };
  const value: Record<string, unknown> = {};
  for (const [name, guarded] of Object.entries(record)) {
    const cell = unguarded(guarded);
    if (name === 'tags') value[name] = cell.split(/\s+/).filter((tag) => tag !== '');
    else if (cell !== '') value[name] = cell;
  }
  return { row, value };
}

export function csvHead(): string {
  return stringify([columns]);
}

export function toCsv(records: readonly DeviceRecord[]): string {
  return stringify(
    records.map((record) =>
      columns.map((name) => guarded(name === 'tags' ? (record.tags ?? []).join(' ') : (record[name] ?? ''))),
    ),
  );
}

/**
 * Spreadsheets run cells that begin like a formula: https://owasp.org/www-community/attacks/CSV_Injection. A quote before
 * it makes it text; one more before what already has one, so that reading undoes writing.
 */
const guarded = (cell: string) => (/^'*[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell);
const unguarded = (cell: string) => (/^'+[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell);
