import { type FileHandle, mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { MessageRefusedError, type OutgoingMessage } from '../platform/bus/publisher.ts';
import type { Log } from '../platform/service/log.ts';
import { RefusedLog } from './refused-log.ts';
import { decodeRecords, encodeRecord } from './spill-record.ts';
import { syncFolder } from './sync-folder.ts';

type Segment = { path: string; bytes: number; messages: number };
type Appending = { record: Buffer; done: (error: Error | null) => void };

const segmentBytes = 16_777_216;
const segmentName = /^spill-(\d{12})\.log$/;

/** The log has reached its bound; the message is not stored. */
export class SpillFullError extends Error {
  override readonly name = 'SpillFullError';
}

/**
 * Messages on a disk that outlives the process, while the bus does not take them. Appends that wait together are written
 * and fsynced together. Segments are read back in order, and a segment is deleted only when the bus has confirmed all its
 * messages: after a crash some are published twice, which the processor recognises (law 2), none is lost. What the bus
 * refuses for good moves to `refused`, so that it keeps no other message from the bus.
 */
export class SpillLog {
  private readonly folder: string;
  private readonly maxBytes: number;
  private readonly log: Log;
  readonly refused: RefusedLog;
  /** Oldest first; the last one is being written when `file` is set. */
  private segments: Segment[] = [];
  private file: FileHandle | undefined;
  private number = 0;
  private queue: Appending[] = [];
  private writing: Promise<void> | undefined;
  private reserved = 0;

  /** Opens the log and counts what an earlier process left. @throws when the folder cannot be read or written. */
  static async open(folder: string, options: { maxBytes: number; log: Log }): Promise<SpillLog> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const spill = new SpillLog(folder, await RefusedLog.open(folder), options);
    await spill.recover();
    return spill;
  }

  private constructor(folder: string, refused: RefusedLog, options: { maxBytes: number; log: Log }) {
    this.folder = folder;
    this.refused = refused;
    this.maxBytes = options.maxBytes;
    this.log = options.log;
  }

  /** Messages not yet confirmed by the bus. */
  get backlog(): number {
    return this.segments.reduce((sum, segment) => sum + segment.messages, 0);
  }

  get bytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** Calls back, later, when the message is fsynced, or with why it is not. */
  append(message: OutgoingMessage, done: (error: Error | null) => void): void {
    const record = encodeRecord(message);
    const held = this.bytes + this.refused.bytes;
    if (held + this.reserved + record.length > this.maxBytes) {
      const error = new SpillFullError(
        `the spill log holds ${held} bytes, ${this.refused.bytes} of them refused by the bus; allowed are ${this.maxBytes}`,
      );
      queueMicrotask(() => done(error));
      return;
    }
    this.reserved += record.length;
    this.queue.push({ record, done });
    this.writing ??= this.write();
  }

  /**
   * Hands the oldest segment's messages to `publish` in order, in windows, each confirmed before the next, and deletes the
   * segment when all are confirmed, or refused by the bus for good and kept in `refused`.
   * @returns messages that left the segment; 0 when there is nothing.
   * @param window how many messages go at a time, asked before each window.
   * @throws what `publish` throws beside MessageRefusedError, or why a file could not be used; the segment stays.
   */
  async replayOldest(publish: (message: OutgoingMessage) => Promise<unknown>, window: () => number): Promise<number> {
    while (this.writing !== undefined) await this.writing;
    const [oldest] = this.segments;
    if (oldest === undefined) return 0;
    if (this.segments.length === 1) await this.closeFile(); // appends during the replay begin a new one
    const { messages } = decodeRecords(await readFile(oldest.path));
    for (let at = 0; at < messages.length; ) {
      const part = messages.slice(at, at + Math.max(1, window()));
      const results = await Promise.allSettled(part.map(publish));
      const failed = results.find((r) => r.status === 'rejected' && !(r.reason instanceof MessageRefusedError));
      if (failed?.status === 'rejected') throw failed.reason;
      await this.keepRefused(part, results);
      at += part.length;
    }
    await unlink(oldest.path);
    this.segments.shift();
    return messages.length;
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    while (this.writing !== undefined) await this.writing;
    await this.closeFile();
    await this.refused.close();
  }

  private async keepRefused(part: readonly OutgoingMessage[], results: readonly PromiseSettledResult<unknown>[]) {
    const refused = part.filter((_, i) => results[i]?.status === 'rejected');
    if (refused.length === 0) return;
    const file = await this.refused.keep(refused);
    const first = results.find((r) => r.status === 'rejected');
    this.log.error(
      { file, messages: refused.length, trace: refused[0]?.attributes['message'], error: first?.reason },
      'acknowledged messages are refused by the bus for good; they are kept in the file, see README.md of the gateway',
    );
  }

  private async write(): Promise<void> {
    await Promise.resolve(); // appends of this turn join
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0, 2_000);
      const bytes = Buffer.concat(batch.map((b) => b.record));
      const problem = await this.writeBatch(bytes, batch.length);
      this.reserved -= bytes.length;
      for (const { done } of batch) done(problem);
    }
    this.writing = undefined;
  }

  private async writeBatch(bytes: Buffer, messages: number): Promise<Error | null> {
    try {
      const current = this.segments.at(-1);
      if (this.file !== undefined && current !== undefined && current.bytes >= segmentBytes) await this.closeFile();
      const file = this.file ?? (await this.newSegment());
      await file.appendFile(bytes);
      await file.datasync();
      const segment = this.segments.at(-1) as Segment;
      segment.bytes += bytes.length;
      segment.messages += messages;
      return null;
    } catch (error) {
      // Part of it may be on disk: nothing more may follow a torn record, so the next append begins a new segment.
      await this.closeFile().catch((closing: unknown) =>
        this.log.error({ error: closing }, 'spill segment not closed'),
      );
      this.log.error({ error }, 'spill log not written');
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  private async newSegment(): Promise<FileHandle> {
    this.number++;
    const path = join(this.folder, `spill-${String(this.number).padStart(12, '0')}.log`);
    const file = await open(path, 'ax', 0o600);
    this.file = file;
    this.segments.push({ path, bytes: 0, messages: 0 });
    await syncFolder(this.folder);
    return file;
  }

  private async closeFile(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    await file?.close();
  }

  private async recover(): Promise<void> {
    const names = (await readdir(this.folder)).filter((name) => segmentName.test(name)).sort();
    for (const name of names) {
      const path = join(this.folder, name);
      this.number = Number(segmentName.exec(name)?.[1]);
      const bytes = await readFile(path);
      const { messages, goodBytes } = decodeRecords(bytes);
      if (goodBytes < bytes.length) await this.keepDamaged(path, bytes.length - goodBytes, name === names.at(-1));
      if (messages.length > 0 || goodBytes < bytes.length)
        this.segments.push({ path, bytes: goodBytes, messages: messages.length });
      else await unlink(path);
    }
    if (this.backlog > 0)
      this.log.info({ messages: this.backlog, bytes: this.bytes }, 'spill log has messages to replay');
  }

  /**
   * The newest segment's torn tail is what the last process had not acknowledged. Anywhere else a bad record is damage to
   * messages that were: a copy stays beside the log for a person to look at.
   */
  private async keepDamaged(path: string, lostBytes: number, newest: boolean): Promise<void> {
    if (newest) {
      this.log.info(
        { path, bytes: lostBytes },
        'spill log ends in an unfinished write, which nobody was told is stored',
      );
      return;
    }
    const copy = `${path}.damaged`;
    const file = await open(`${copy}.new`, 'w', 0o600);
    await file.writeFile(await readFile(path));
    await file.sync();
    await file.close();
    await rename(`${copy}.new`, copy);
    this.log.error({ path: copy, bytes: lostBytes }, 'a spill segment is damaged; its readable part is replayed');
  }
}
