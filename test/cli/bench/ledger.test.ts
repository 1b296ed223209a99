import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkLedger, findingsText, isClean, type LedgerCheck } from '../../../cli/bench/faults/ledger.ts';
import type { LedgerEntry } from '../../../runtime/simulator/ledger.ts';

const entry = (seq: number, more: Partial<LedgerEntry> = {}): LedgerEntry => ({
  device: 'dev-1',
  ts: 1_000 + seq,
  seq,
  hash: `hash-${seq}`,
  ...more,
});

/** Ten readings, the third a dead letter: as it should be. */
function right(): LedgerCheck {
  const all = Array.from({ length: 10 }, (_, seq) => entry(seq));
  return {
    reported: all,
    acknowledged: all,
    rows: all.filter((e) => e.seq !== 3),
    deadLetters: all.filter((e) => e.seq === 3),
    newest: [entry(9)],
  };
}

test('a platform that kept all its promises is clean', () => {
  expect(findingsText(checkLedger(right()))).toBe('clean');
});

test('a reading that was stored and whose acknowledgement was lost is nothing wrong', () => {
  const check = right();
  expect(isClean(checkLedger({ ...check, acknowledged: check.acknowledged.slice(0, 5) }))).toBe(true);
});

test.each<[string, keyof ReturnType<typeof checkLedger>, (check: LedgerCheck) => LedgerCheck]>([
  ['a lost row', 'lost', (c) => ({ ...c, rows: c.rows.filter((e) => e.seq !== 5) })],
  ['a lost dead letter', 'lost', (c) => ({ ...c, deadLetters: [] })],
  ['a row twice', 'duplicated', (c) => ({ ...c, rows: [...c.rows, entry(5)] })],
  ['a dead letter twice', 'duplicated', (c) => ({ ...c, deadLetters: [...c.deadLetters, entry(3)] })],
  ['a row and a dead letter of one reading', 'duplicated', (c) => ({ ...c, deadLetters: [entry(3), entry(5)] })],
  ['other values', 'changed', (c) => ({ ...c, rows: c.rows.map((e) => (e.seq === 5 ? { ...e, hash: 'x' } : e)) })],
  ['a row of nobody', 'foreign', (c) => ({ ...c, rows: [...c.rows, entry(5, { ts: 1 })] })],
  ['an old newest state', 'wrongNewest', (c) => ({ ...c, newest: [entry(8)] })],
  ['a newest state with other values', 'wrongNewest', (c) => ({ ...c, newest: [entry(9, { hash: 'x' })] })],
  ['no newest state', 'wrongNewest', (c) => ({ ...c, newest: [] })],
])('%s is found, and nothing else', (_name, kind, harm) => {
  const findings = checkLedger(harm(right()));
  expect(findings[kind]).toHaveLength(1);
  const others = Object.entries(findings).filter(([name]) => name !== kind);
  expect(others.map(([, list]) => list.length)).toEqual([0, 0, 0, 0]);
});

test('of two readings at one time the higher number is the newest', () => {
  const rows = [entry(1, { ts: 5 }), entry(2, { ts: 5 }), entry(0, { ts: 5 })];
  const check = { reported: rows, acknowledged: rows, rows, deadLetters: [] };
  expect(isClean(checkLedger({ ...check, newest: [entry(2, { ts: 5 })] }))).toBe(true);
  expect(checkLedger({ ...check, newest: [entry(1, { ts: 5 })] }).wrongNewest).toHaveLength(1);
});

test('any set of losses and duplicates is found whole', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(99)), fc.uniqueArray(fc.nat(99)), (gone, twice) => {
      const all = Array.from({ length: 100 }, (_, seq) => entry(seq));
      const kept = all.filter((e) => !gone.includes(e.seq));
      const rows = [...kept, ...kept.filter((e) => twice.includes(e.seq))];
      const findings = checkLedger({ reported: all, acknowledged: all, rows, deadLetters: [], newest: [] });
      expect(findings.lost.map((e) => e.seq)).toEqual([...gone].sort((a, b) => a - b));
      expect(findings.duplicated).toHaveLength(rows.length - kept.length);
    }),
  );
});
