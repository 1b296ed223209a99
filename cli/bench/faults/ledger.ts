import type { LedgerEntry } from '../../../runtime/simulator/ledger.ts';

/** A device's newest state, as a store tells it. */
export type Newest = { device: string; ts: number; seq: number; hash: string };

export type LedgerCheck = {
  /** What devices handed to the library, acknowledged or not: nothing else may be stored. */
  reported: readonly LedgerEntry[];
  /** What the platform owes. */
  acknowledged: readonly LedgerEntry[];
  /** As stored; one entry a stored row, so that a duplicate is two entries. */
  rows: readonly LedgerEntry[];
  deadLetters: readonly LedgerEntry[];
  newest: readonly Newest[];
};

/** What is wrong, each with its entries; all empty when acknowledged = rows + dead letters and every newest is right. */
export type Findings = {
  /** Acknowledged, and neither a row nor a dead letter. */
  lost: LedgerEntry[];
  /** More than one row or dead letter of one reading. */
  duplicated: LedgerEntry[];
  /** Stored with other values than were sent. */
  changed: LedgerEntry[];
  /** Stored, and never reported. */
  foreign: LedgerEntry[];
  /** Devices whose newest state is not their newest row, with what it should be. */
  wrongNewest: { wanted: LedgerEntry; found: Newest | undefined }[];
};

/** The judge of a fault test. Pure, so that it can be shown to find each kind of wrong. */
export function checkLedger(check: LedgerCheck): Findings {
  const reported = new Map(check.reported.map((e) => [keyOf(e), e]));
  const stored = new Map<string, LedgerEntry>();
  const findings: Findings = { lost: [], duplicated: [], changed: [], foreign: [], wrongNewest: [] };
  for (const entry of [...check.rows, ...check.deadLetters]) {
    const key = keyOf(entry);
    const sent = reported.get(key);
    if (stored.has(key)) findings.duplicated.push(entry);
    else if (sent === undefined) findings.foreign.push(entry);
    else if (sent.hash !== entry.hash) findings.changed.push(entry);
    stored.set(key, entry);
  }
  for (const entry of check.acknowledged) if (!stored.has(keyOf(entry))) findings.lost.push(entry);
  findings.wrongNewest = wrongNewest(check.rows, check.newest);
  return findings;
}

function wrongNewest(rows: readonly LedgerEntry[], newest: readonly Newest[]): Findings['wrongNewest'] {
  const wanted = new Map<string, LedgerEntry>();
  for (const row of rows) {
    const before = wanted.get(row.device);
    if (before === undefined || row.ts > before.ts || (row.ts === before.ts && row.seq > before.seq))
      wanted.set(row.device, row);
  }
  const found = new Map(newest.map((n) => [n.device, n]));
  return [...wanted.values()].flatMap((row) => {
    const state = found.get(row.device);
    const right = state?.ts === row.ts && state.seq === row.seq && state.hash === row.hash;
    return right ? [] : [{ wanted: row, found: state }];
  });
}

export const keyOf = (e: { device: string; ts: number; seq: number }) => `${e.device} ${e.ts} ${e.seq}`;

export const isClean = (f: Findings) =>
  f.lost.length + f.duplicated.length + f.changed.length + f.foreign.length + f.wrongNewest.length === 0;

/** One line for people; the first of each kind is named. */
export function findingsText(f: Findings): string {
  if (isClean(f)) return 'clean';
  const first = (name: string, list: readonly LedgerEntry[]) =>
    list.length === 0 ? [] : [`${list.length} ${name} (${keyOf(list[0] as LedgerEntry)})`];
  return [
    ...first('lost', f.lost),
    ...first('duplicated', f.duplicated),
    ...first('changed', f.changed),
    ...first('foreign', f.foreign),
    ...first(
      'with a wrong newest state',
      f.wrongNewest.map((w) => w.wanted),
    ),
  ].join(', ');
}
