import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import type { Values } from '../contracts/telemetry.ts';
import type { DeviceReading } from '../device/reading.ts';

/** One acknowledged reading. */
export type LedgerEntry = { device: string; ts: number; seq: number; hash: string };

/** First 16 hex digits of SHA-256 of the values with their names sorted: equal for equal values, however stored. */
export function hashValues(values: Values): string {
  const sorted = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
}

export const formatEntry = (e: LedgerEntry) => `${e.device} ${e.ts} ${e.seq} ${e.hash}\n`;

/** @throws on a line that is none; an unfinished last line is not a line. */
export function parseLedger(text: string): LedgerEntry[] {
  const lines = text.split('\n');
  lines.pop();
  return lines.map((line, i) => {
    const match = /^(\S+) (\d+) (\d+) ([0-9a-f]{16})$/.exec(line);
    if (match === null) throw new Error(`ledger line ${i + 1} is '${line.slice(0, 200)}', wanted: device ts seq hash`);
    return { device: match[1] as string, ts: Number(match[2]), seq: Number(match[3]), hash: match[4] as string };
  });
}

/** Append-only file of every acknowledged reading: what the platform owes. Written in the turn of the PUBACK. */
export function openLedger(path: string) {
  const file = openSync(path, 'a', 0o600);
  let lines: string[] = [];
  const flush = () => {
    if (lines.length === 0) return;
    const bytes = Buffer.from(lines.join(''));
    lines = [];
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  };
  return {
    acknowledged(device: string, reading: DeviceReading): void {
      if (lines.push(formatEntry({ device, ts: reading.ts, seq: reading.seq, hash: hashValues(reading.values) })) === 1)
        setImmediate(flush);
    },
    close(): void {
      flush();
      fsyncSync(file);
      closeSync(file);
    },
  };
}
export type Ledger = ReturnType<typeof openLedger>;
