import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hashValues, openLedger, parseLedger } from '../../runtime/simulator/ledger.ts';

test('what was acknowledged can be read back, over two runs', () => {
  const dir = mkdtempSync(join(tmpdir(), 'iot-test-ledger-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'ledger.txt');
  for (const seq of [1, 2]) {
    const ledger = openLedger(path);
    ledger.acknowledged('dev-1', { ts: 10, seq, values: { b: seq, a: 'x' } });
    ledger.close();
  }
  expect(parseLedger(readFileSync(path, 'utf8'))).toEqual([
    { device: 'dev-1', ts: 10, seq: 1, hash: hashValues({ a: 'x', b: 1 }) },
    { device: 'dev-1', ts: 10, seq: 2, hash: hashValues({ a: 'x', b: 2 }) },
  ]);
});

test('a line is in the file in the turn of its acknowledgement, not only at an orderly end', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'iot-test-ledger-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'ledger.txt');
  const ledger = openLedger(path);
  onTestFinished(() => ledger.close());
  ledger.acknowledged('dev-1', { ts: 10, seq: 1, values: { a: 1 } });
  await new Promise((resolve) => setImmediate(resolve));
  expect(parseLedger(readFileSync(path, 'utf8'))).toHaveLength(1);
});

test('an unfinished last line is no promise; a broken line in the middle is an error that names it', () => {
  expect(parseLedger('dev-1 10 1 0123456789abcdef\ndev-1 10 2 01')).toHaveLength(1);
  expect(() => parseLedger('dev-1 10\ndev-1 10 2 0123456789abcdef\n')).toThrow("ledger line 1 is 'dev-1 10'");
});

test('the hash tells values apart and does not mind their order', () => {
  expect(hashValues({ a: 1, b: true })).toBe(hashValues({ b: true, a: 1 }));
  const different = [{ a: 1 }, { a: '1' }, { a: true }, { b: 1 }, { a: 1, b: 1 }].map(hashValues);
  expect(new Set(different).size).toBe(different.length);
});
