import type { Row } from './interpret.ts';

/** The newest row of each device, by time and then number, leaving out devices whose newest is in doubt. Pure. */
export function newestRows(rows: readonly Row[], doubtful: readonly Row[]): Row[] {
  const out = new Set(doubtful.map((row) => `${row.tenant}/${row.device}`));
  const newest = new Map<string, Row>();
  for (const row of rows) {
    const key = `${row.tenant}/${row.device}`;
    const known = newest.get(key);
    if (known === undefined || isNewer(row, known)) newest.set(key, row);
  }
  if (out.size > 0) for (const key of out) newest.delete(key);
  return [...newest.values()];
}

export function isNewer(a: { ts: number; seq: number }, b: { ts: number; seq: number }): boolean {
  return a.ts > b.ts || (a.ts === b.ts && a.seq > b.seq);
}

/** One JSON array of `LiveEvent`s; the values are JSON text already. */
export function liveMessage(rows: readonly Row[]): string {
  let text = '';
  for (const { device, ts, seq, json, message } of rows)
    text += `${text === '' ? '[' : ','}{"type":"state","device":"${device}","ts":${ts},"seq":${seq},"values":${json},"trace":"${message}"}`;
  return `${text}]`;
}
