import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Api } from '../../cli/api.ts';
import { csvHead, type FileRow, fromCsv, toCsv } from '../../cli/device-files-csv.ts';
import { fromNdjson } from '../../cli/device-files-ndjson.ts';
import { importRowsOf, type RowResult } from '../../cli/device-import.ts';
import { DeviceRecord } from '../../runtime/contracts/http/device-import.ts';
import { planImport, readRows } from '../../runtime/devices/import-plan.ts';

/** Text as a file comes: in chunks that end anywhere. */
async function* chunksOf(bytes: Buffer, size = 7): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const rowsOf = async (read: (c: AsyncIterable<Uint8Array>) => AsyncGenerator<FileRow>, file: string | Buffer) => {
  const rows: FileRow[] = [];
  for await (const row of read(chunksOf(Buffer.from(file)))) rows.push(row);
  return rows;
};
const csv = (file: string | Buffer) => rowsOf(fromCsv, file);
const ndjson = (file: string | Buffer) => rowsOf(fromNdjson, file);

const record = fc.record({
  id: fc.stringMatching(/^[a-z][a-z0-9-]{2,20}$/),
  name: fc
    .string({ minLength: 1, maxLength: 30, unit: 'grapheme' })
    .filter((s) => /^[^\p{Cc}\uFFFD]+$/u.test(s) && s.isWellFormed()),
  type: fc.constantFrom('generic', 'pump'),
  tags: fc.uniqueArray(fc.stringMatching(/^[a-z0-9][a-z0-9_.:=-]{0,8}$/), { maxLength: 4 }),
  status: fc.constantFrom('active', 'blocked'),
});

describe('what is exported is imported again exactly', () => {
  test('in CSV', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 8 }), async (records) => {
        const rows = await csv(csvHead() + toCsv(records as DeviceRecord[]));
        expect(rows).toEqual(records.map((value, i) => ({ row: i + 1, value })));
      }),
      { numRuns: 60 },
    );
  });

  test('in NDJSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 8 }), async (records) => {
        const rows = await ndjson(records.map((one) => `${JSON.stringify(one)}\n`).join(''));
        expect(rows).toEqual(records.map((value, i) => ({ row: i + 1, value })));
      }),
      { numRuns: 60 },
    );
  });

  test('a cell that a spreadsheet would run is text, and comes back as it was', async () => {
    for (const name of ['=1+1', '+1', '-1', '@x', "'=1", "''@x", "'plain"]) {
      const line = toCsv([{ id: 'pump-1', name }]);
      expect(line.split(',')[1]).not.toMatch(/^"?[=+\-@]/);
      expect(await csv(csvHead() + line)).toMatchObject([{ value: { name } }]);
    }
  });
});

describe('CSV of others', () => {
  test('with a mark, CRLF, quotes, line breaks in quotes, empty lines and columns in another order', async () => {
    const file = '\uFEFFtags,id,name\r\nfloor-2 east,pump-1,"a, ""b""\r\nc"\r\n\r\n,pump-2,\r\n';
    expect(await csv(file)).toEqual([
      { row: 1, value: { tags: ['floor-2', 'east'], id: 'pump-1', name: 'a, "b"\r\nc' } },
      { row: 2, value: { tags: [], id: 'pump-2' } },
    ]);
  });

  test('rows with too many or too few cells, NUL or bytes that are no UTF-8 go alone', async () => {
    const file = Buffer.concat([
      Buffer.from('id,name\npump-1\npump-2,a,b\npump-3,x\0y\npump-4,'),
      Buffer.from([0xff]),
      Buffer.from('\npump-5,good\n'),
    ]);
    const results: RowResult[] = [];
    for await (const some of importRowsOf(echo(), fromCsv(chunksOf(file)), 'refuse')) results.push(...some);
    expect(results.map(({ row, result }) => [row, result])).toEqual([
      [1, 'invalid'],
      [2, 'invalid'],
      [3, 'invalid'],
      [4, 'invalid'],
      [5, 'created'],
    ]);
    expect(results.map(({ reason }) => reason)).toMatchObject([
      expect.stringContaining('cells than the head'),
      expect.stringContaining('cells than the head'),
      expect.stringContaining('control characters'),
      'it is not UTF-8',
      undefined,
    ]);
  });

  test.each([
    ['an unknown column', 'id,colour\npump-1,red\n', /no column 'colour'; allowed are id, name/],
    ['a column twice', 'id,id\n1,2\n', /column 'id' is there twice/],
    ['no id', 'name\nx\n', /has a column id/],
    [
      'a quote that is never closed',
      `id,name\npump-1,"${'x'.repeat(40_000)}`,
      /row 1 cannot be read: .*quote not closed/,
    ],
    ['a quote in the middle', 'id,name\npump-1,a"b\n', /row 1 cannot be read/],
  ])('with %s ends in one sentence', async (_, file, message) => {
    await expect(csv(file)).rejects.toThrow(message);
  });
});

test('NDJSON of others: mark, CRLF, blank lines; what is no object, no JSON, no UTF-8 or too long goes alone', async () => {
  const file = Buffer.concat([
    Buffer.from('\uFEFF{"id":"pump-1"}\r\n\r\n[1]\n{"id":\n'),
    Buffer.from([0x22, 0xff, 0x22, 0x0a]),
    Buffer.from(`{"id":"${'x'.repeat(70_000)}"}\n{"id":"pump-2"}`),
  ]);
  expect(await ndjson(file)).toEqual([
    { row: 1, value: { id: 'pump-1' } },
    { row: 2, invalid: 'it is no JSON object' },
    { row: 3, invalid: expect.stringContaining('it is no JSON: ') },
    { row: 4, invalid: 'it is not UTF-8' },
    { row: 5, invalid: 'it is longer than 65536 bytes' },
    { row: 6, value: { id: 'pump-2' } },
  ]);
});

/** An API with a registry in memory, by the plan that the devices service has. */
function echo() {
  const known = new Map<
    string,
    { id: string; name: string; type: string; tags: string[]; status: 'active' | 'blocked' }
  >();
  const calls: number[] = [];
  const call = async (_: string, { body }: { body: { existing: 'refuse' | 'update'; rows: unknown[] } }) => {
    calls.push(body.rows.length);
    const { read, items } = readRows(body.rows);
    const plan = planImport(read, known, new Set(['generic', 'pump']), body.existing);
    for (const { after } of plan.changes) known.set(after.id, after);
    return { items: [...items, ...plan.items].sort((a, b) => a.row - b.row) };
  };
  return { known, calls, call } as unknown as Pick<Api, 'call'> & { known: typeof known; calls: number[] };
}

async function imported(api: Pick<Api, 'call'>, records: readonly unknown[], existing: 'refuse' | 'update' = 'refuse') {
  const file = Buffer.from(records.map((one) => `${JSON.stringify(one)}\n`).join(''));
  const results: RowResult[] = [];
  for await (const some of importRowsOf(api, fromNdjson(chunksOf(file, 4_096)), existing)) results.push(...some);
  return results;
}

describe('an import', () => {
  test('of 55,000 rows goes in calls of 500; again it changes nothing, and says so of every row', async () => {
    const api = echo();
    const records = Array.from({ length: 55_000 }, (_, i) => ({ id: `pump-${i}`, tags: ['east'] }));
    expect(new Set((await imported(api, records)).map(({ result }) => result))).toEqual(new Set(['created']));
    expect(api.calls).toHaveLength(110);
    const again = await imported(api, records);
    expect(again).toHaveLength(55_000);
    expect(new Set(again.map(({ result }) => result))).toEqual(new Set(['unchanged']));
    expect(again.at(-1)).toEqual({ row: 55_000, id: 'pump-54999', result: 'unchanged' });
  });

  test('answers duplicates, conflicts, unknown types and fields by the rows of the file', async () => {
    const api = echo();
    await imported(api, [{ id: 'pump-1', name: 'One' }]);
    const results = await imported(api, [
      { id: 'x' },
      { id: 'pump-1', name: 'Uno' },
      { id: 'pump-2' },
      { id: 'pump-2', name: 'again' },
      { id: 'pump-3', type: 'rocket' },
      { id: 'pump-4', colour: 'red' },
    ]);
    expect(results).toMatchObject([
      { row: 1, id: 'x', result: 'invalid' },
      { row: 2, result: 'conflict', reason: 'name: the device has "One", the row "Uno"' },
      { row: 3, result: 'created' },
      { row: 4, result: 'conflict', reason: 'id: row 3 has it already' },
      { row: 5, result: 'invalid', reason: expect.stringContaining("no device type 'rocket'") },
      { row: 6, result: 'invalid', reason: expect.stringContaining('colour') },
    ]);
    expect(await imported(api, [{ id: 'pump-1', name: 'Uno' }], 'update')).toMatchObject([{ result: 'updated' }]);
    expect(await imported(api, [{ id: 'pump-1', name: 'Uno' }])).toMatchObject([{ result: 'unchanged' }]);
  });

  test('that is cut off says up to which row it is done', async () => {
    const api = echo();
    let calls = 0;
    const failing = {
      call: (async (...input: never[]) => {
        if (++calls === 2) throw new Error('away');
        return await (api.call as (...i: never[]) => unknown)(...input);
      }) as unknown as Api['call'],
    };
    const records = Array.from({ length: 700 }, (_, i) => ({ id: `pump-${i}` }));
    await expect(imported(failing, records)).rejects.toThrow(
      /the rows up to 500 are done; the same command again goes on/,
    );
    const results = await imported(api, records);
    expect(results.filter(({ result }) => result === 'created')).toHaveLength(200);
  });

  test('applied again is unchanged, whatever was there and whatever the rows say', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 10 }),
        fc.array(record, { maxLength: 10 }),
        async (before, rows) => {
          const api = echo();
          await imported(api, before, 'update');
          await imported(api, rows, 'update');
          const first = new Set<string>();
          for (const { id, result } of await imported(api, rows, 'update')) {
            expect(result).toBe(first.has(id ?? '') ? 'conflict' : 'unchanged');
            first.add(id ?? '');
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

test('a device of the API is a record of a file', () => {
  expect(
    DeviceRecord.safeParse({
      id: 'pump-1',
      name: 'x',
      type: 'generic',
      tags: [],
      status: 'blocked',
      blockedReason: 'y',
    }).success,
  ).toBe(true);
});
