import type { FileRow } from './device-files-csv.ts';

const mostBytes = 65_536;
const newline = 0x0a;

/** Rows of NDJSON as they come in; a line that cannot be read is a row that says why, and the next ones go on. */
export async function* fromNdjson(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileRow> {
  let row = 0;
  let first = true;
  for await (const line of lines(chunks)) {
    const text = line === 'too long' ? line : decoded(line, first);
    first = false;
    if (text === '') continue;
    row++;
    if (line === 'too long') yield { row, invalid: `it is longer than ${mostBytes} bytes` };
    else if (text === undefined) yield { row, invalid: 'it is not UTF-8' };
    else yield parsed(row, text);
  }
}

async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer | 'too long'> {
  let kept: Buffer[] = [];
  let size = 0;
  const take = () => {
    const line = size > mostBytes ? ('too long' as const) : Buffer.concat(kept);
    kept = [];
    size = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(newline); ; end = chunk.indexOf(newline, from)) {
      const part = chunk.subarray(from, end === -1 ? chunk.length : end);
      size += part.length;
      if (size <= mostBytes) kept.push(Buffer.from(part));
      if (end === -1) break;
      yield take();
      from = end + 1;
    }
  }
  if (size > 0) yield take();
}

function decoded(line: Buffer, first: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: !first }).decode(line).trim();
  } catch {
    return undefined; // the one error it has
  }
}

function parsed(row: number, text: string): FileRow {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { row, value };
    return { row, invalid: 'it is no JSON object' };
  } catch (error) {
    return { row, invalid: `it is no JSON: ${(error as Error).message.slice(0, 200)}` };
  }
}
