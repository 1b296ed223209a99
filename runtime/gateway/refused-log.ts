import { type FileHandle, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutgoingMessage } from '../platform/bus/publisher.ts';
import { decodeRecords, encodeRecord } from './spill-record.ts';
import { syncFolder } from './sync-folder.ts';

const fileBytes = 16_777_216;
const fileName = /^refused-(\d{12})\.log$/;

/**
 * Messages that were acknowledged to their devices and that the bus then refused for good: kept on the spill log's disk,
 * in its format, until a person has looked (README.md in this folder). Nothing here is ever removed by us, and its bytes
 * count towards the spill log's bound. After a crash a message may be in it twice.
 */
export class RefusedLog {
  private readonly folder: string;
  private file: FileHandle | undefined;
  private path = '';
  private number = 0;
  private inFile = 0;
  messages = 0;
  bytes = 0;

  /** Counts what earlier processes kept. @throws when the folder cannot be read. */
  static async open(folder: string): Promise<RefusedLog> {
    const log = new RefusedLog(folder);
    for (const name of (await readdir(folder)).filter((one) => fileName.test(one)).sort()) {
      const bytes = await readFile(join(folder, name));
      log.number = Number(fileName.exec(name)?.[1]);
      log.messages += decodeRecords(bytes).messages.length;
      log.bytes += bytes.length;
    }
    return log;
  }

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Calls must not overlap. @returns the file, fsynced. @throws when the disk refuses: the messages are not kept. */
  async keep(messages: readonly OutgoingMessage[]): Promise<string> {
    const bytes = Buffer.concat(messages.map(encodeRecord));
    try {
      if (this.inFile >= fileBytes) await this.close();
      const file = this.file ?? (await this.begin());
      await file.appendFile(bytes);
      await file.datasync();
    } catch (error) {
      // Nothing may follow a torn record: the next begins a new file.
      await this.close().catch((closing: unknown) => {
        throw new AggregateError([error, closing], `refused messages not kept in ${this.path}`);
      });
      throw new Error(`refused messages not kept in ${this.path}`, { cause: error });
    }
    this.inFile += bytes.length;
    this.bytes += bytes.length;
    this.messages += messages.length;
    return this.path;
  }

  async close(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    await file?.close();
  }

  private async begin(): Promise<FileHandle> {
    this.number++;
    this.inFile = 0;
    this.path = join(this.folder, `refused-${String(this.number).padStart(12, '0')}.log`);
    this.file = await open(this.path, 'ax', 0o600);
    await syncFolder(this.folder);
    return this.file;
  }
}
