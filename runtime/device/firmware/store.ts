import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type BootState, BootStateSchema, firstState, type SlotName } from './boot-state.ts';

/** Images and boot state in a folder of the device. */
export type FirmwareStore = {
  /** Path of a slot's image. */
  image(slot: SlotName): string;
  read(): Promise<BootState>;
  /** The state is whole on disk, the old or the new one, whenever the power goes. */
  write(state: BootState): Promise<void>;
  /** SHA-256 of a slot's bytes as they are, lower-case hex; undefined when there is no file. */
  measure(slot: SlotName): Promise<string | undefined>;
};

const checked = (text: string) => createHash('sha256').update(text).digest('hex');

/** @throws Error naming the file when the state on disk is damaged: a device then asks for help instead of guessing. */
export async function openFirmwareStore(folder: string): Promise<FirmwareStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'boot.json');
  const image = (slot: SlotName) => join(folder, `${slot}.img`);
  return {
    image,
    async read() {
      const text = await textOf(file);
      if (text === undefined) return firstState;
      const [sum, body = ''] = text.split('\n', 2);
      if (checked(body) !== sum) throw new Error(`${file} is damaged: its checksum is not that of its content`);
      return BootStateSchema.parse(JSON.parse(body));
    },
    async write(state) {
      const body = JSON.stringify(state);
      const next = await open(`${file}.next`, 'w', 0o600);
      try {
        await next.writeFile(`${checked(body)}\n${body}\n`);
        await next.sync();
      } finally {
        await next.close();
      }
      await rename(`${file}.next`, file);
      // A file's new name is durable only with its folder: https://man7.org/linux/man-pages/man2/fsync.2.html
      const parent = await open(folder, 'r');
      try {
        await parent.sync();
      } finally {
        await parent.close();
      }
    },
    async measure(slot) {
      const hash = createHash('sha256');
      try {
        for await (const chunk of createReadStream(image(slot))) hash.update(chunk as Buffer);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
      return hash.digest('hex');
    },
  };
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
