import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openJournal } from '../../runtime/device/journal.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'iot-test-journal-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const item = (seq: number) => ({
  seq,
  text: `{"ts":${1_700_000_000_000 + seq},"seq":${seq},"values":{"t":"ä ${seq}"}}`,
});
const seqs = (items: readonly { seq: number }[]) => items.map((i) => i.seq);

test('what is neither acknowledged nor given up is there again, and no number is given out twice', () => {
  const path = join(dir, 'again');
  const first = openJournal(path, { sync: 'os' });
  for (const n of [0, 1, 2, 3]) first.append(item(n));
  first.forget([item(1), item(3)]);
  first.close();
  const second = openJournal(path, { sync: 'always' });
  expect(second.recovered).toEqual([item(0), item(2)]);
  expect(second.nextSeq).toBe(4);
  second.forget([item(0), item(2)]);
  second.close();
  const third = openJournal(path, { sync: 'os' });
  expect(third.recovered).toEqual([]);
  expect(third.nextSeq).toBe(4);
  third.close();
});

test('a file cut anywhere, with rubbish behind, loses at most the line it was cut in', () => {
  const path = join(dir, 'cut');
  const journal = openJournal(path, { sync: 'os' });
  for (let n = 0; n < 20; n++) journal.append(item(n));
  journal.close();
  const whole = readFileSync(path);
  fc.assert(
    fc.property(fc.nat(whole.length), fc.uint8Array({ maxLength: 40 }), (length, rubbish) => {
      const copy = join(dir, 'cut-copy');
      writeFileSync(copy, whole.subarray(0, length));
      const before = whole.subarray(0, length).toString().split('\n');
      const wholeReadings = before.slice(0, -1).filter((l) => l[9] === 'r').length;
      appendFileSync(copy, rubbish);
      const opened = openJournal(copy, { sync: 'os' });
      opened.close();
      const found = seqs(opened.recovered);
      expect(found.slice(0, wholeReadings)).toEqual(Array.from({ length: wholeReadings }, (_, i) => i));
      expect(found.length).toBeLessThanOrEqual(wholeReadings + 1);
    }),
    { numRuns: 200 },
  );
});

test('a damaged line is counted, the lines around it live', () => {
  const path = join(dir, 'damaged');
  const journal = openJournal(path, { sync: 'os' });
  for (const n of [0, 1, 2]) journal.append(item(n));
  journal.close();
  writeFileSync(path, readFileSync(path, 'utf8').replace('"seq":1', '"seq":7'));
  const opened = openJournal(path, { sync: 'os' });
  opened.close();
  expect(seqs(opened.recovered)).toEqual([0, 2]);
  expect(opened.damagedLines).toBe(1);
});

test('the file stays small while readings come and go', () => {
  const path = join(dir, 'small');
  const journal = openJournal(path, { sync: 'os' });
  for (let n = 0; n < 20_000; n++) {
    journal.append(item(n));
    if (n >= 5) journal.forget([item(n - 5)]);
  }
  journal.close();
  expect(statSync(path).size).toBeLessThan(300 * 1024);
  const again = openJournal(path, { sync: 'os' });
  again.close();
  expect(seqs(again.recovered)).toEqual([19_995, 19_996, 19_997, 19_998, 19_999]);
  expect(again.nextSeq).toBe(20_000);
});
