import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Buffered } from './buffer.ts';

/**
 * The buffer's copy on disk: an append-only file of readings (`r`), of numbers that are done (`d`), and of the next
 * number (`n`), one checked line each. A line is written before `append` returns, so readings outlive a killed process;
 * with `sync: 'always'` they outlive a power cut too, at the price of an fsync each.
 */
export type Journal = {
  /** Readings that were neither acknowledged nor given up, oldest first. */
  readonly recovered: readonly Buffered[];
  /** One more than any number ever written. */
  readonly nextSeq: number;
  /** Lines that did not carry their own checksum: a torn end after a crash, or a damaged disk. They are skipped. */
  readonly damagedLines: number;
  append(item: Buffered): void;
  /** These are acknowledged or given up. */
  forget(items: readonly Buffered[]): void;
  close(): void;
};

/** A file is rewritten when it is mostly done readings and larger than this. */
const rewriteAboveBytes = 256 * 1024;

/** @throws when the file cannot be opened, read or written; the message names it. */
export function openJournal(path: string, options: { sync: 'always' | 'os' }): Journal {
  const { live, nextSeq: firstSeq, damagedLines } = recover(path);
  const recovered = [...live.values()].sort((a, b) => a.seq - b.seq);
  let nextSeq = firstSeq;
  let liveBytes = recovered.reduce((sum, item) => sum + item.text.length, 0);
  let fileBytes = 0;
  let file = rewrite();

  function rewrite(): number {
    const next = `${path}.next`;
    const lines = [line('n', String(nextSeq)), ...[...live.values()].map((i) => line('r', `${i.seq} ${i.text}`))];
    const text = lines.join('');
    const opened = openSync(next, 'w', 0o600);
    writeAll(opened, text);
    fsyncSync(opened);
    renameSync(next, path);
    fileBytes = Buffer.byteLength(text);
    return opened;
  }
  function write(text: string): void {
    writeAll(file, text);
    fileBytes += Buffer.byteLength(text);
    if (options.sync === 'always') fsyncSync(file);
    if (fileBytes > rewriteAboveBytes && fileBytes > 4 * liveBytes) {
      closeSync(file);
      file = rewrite();
    }
  }

  return {
    recovered,
    nextSeq,
    damagedLines,
    append(item) {
      live.set(item.seq, item);
      liveBytes += item.text.length;
      nextSeq = Math.max(nextSeq, item.seq + 1);
      write(line('r', `${item.seq} ${item.text}`));
    },
    forget(items) {
      const known = items.filter((item) => live.delete(item.seq));
      if (known.length === 0) return;
      liveBytes -= known.reduce((sum, item) => sum + item.text.length, 0);
      write(line('d', known.map((item) => item.seq).join(' ')));
    },
    close: () => closeSync(file),
  };
}

function line(kind: 'r' | 'd' | 'n', body: string): string {
  const text = `${kind} ${body}`;
  return `${crc32(text).toString(16).padStart(8, '0')} ${text}\n`;
}

function writeAll(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function recover(path: string): { live: Map<number, Buffered>; nextSeq: number; damagedLines: number } {
  const live = new Map<number, Buffered>();
  let nextSeq = 0;
  let damagedLines = 0;
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  for (const raw of text.split('\n')) {
    if (raw === '') continue;
    const body = raw.slice(9);
    if (raw[8] !== ' ' || crc32(body).toString(16).padStart(8, '0') !== raw.slice(0, 8)) {
      damagedLines++;
      continue;
    }
    const rest = body.slice(2);
    if (body.startsWith('r ')) {
      const space = rest.indexOf(' ');
      const seq = Number(rest.slice(0, space));
      live.set(seq, { seq, text: rest.slice(space + 1) });
      nextSeq = Math.max(nextSeq, seq + 1);
    } else if (body.startsWith('d ')) for (const seq of rest.split(' ')) live.delete(Number(seq));
    else nextSeq = Math.max(nextSeq, Number(rest));
  }
  return { live, nextSeq, damagedLines };
}
