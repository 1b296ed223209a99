import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FirmwareManifest } from '../../contracts/firmware.ts';
import {
  confirmed,
  damaged,
  emptied,
  freeSlot,
  given,
  installed,
  judge,
  type SlotName,
  starting,
} from './boot-state.ts';
import { FirmwareRefused, type FirmwareTrust, readManifest } from './manifest.ts';
import type { FirmwareStore } from './store.ts';

/** Bytes `from` to `to` (not included) of the image, in one piece or fewer: a short answer is gone on with. */
export type FetchRange = (from: number, to: number) => Promise<Uint8Array>;

/** What runs: as measured just now, not as remembered. */
export type Booted = { slot: SlotName; manifest: FirmwareManifest; measured: string; trial: boolean; image: string };

export type Updater = {
  /**
   * Takes a release: manifest first, then the image in ranges into the free slot, then the whole of it is measured. What
   * was fetched before a power loss is not fetched again.
   * @returns `installed` when it is the confirmed one already; `ready` when the next boot tries it.
   * @throws FirmwareRefused; what `fetch` throws
   */
  install(signed: string, fetch: FetchRange): Promise<'installed' | 'ready'>;
  /**
   * Chooses an image, verifies its manifest and measures its bytes. One that is not what was signed is not started: the
   * other slot is, if it is good.
   * @throws Error when no slot holds a good image
   */
  boot(): Promise<Booted>;
  /** The running image proved itself. */
  confirm(): Promise<void>;
  /** The running image gives up: the next boot starts the confirmed one. */
  giveUp(): Promise<void>;
};

const rangeBytes = 65_536;

export function createUpdater(store: FirmwareStore, trust: FirmwareTrust): Updater {
  return {
    async install(signed, fetch) {
      const manifest = readManifest(signed, trust);
      const { counter, sha256 } = manifest;
      const before = await store.read();
      const verdict = judge(before, manifest);
      if (verdict === 'installed' || verdict === 'ready') return verdict;
      if (verdict === 'busy')
        throw new FirmwareRefused('busy', 'another image is under trial; confirm it or give it up first');
      if (verdict === 'rollback')
        throw new FirmwareRefused(
          'rollback',
          `its counter ${counter} is not above ${before.counter}, which is confirmed`,
        );
      const slot = freeSlot(before);
      await store.write(emptied(before));
      await download(store.image(slot), manifest, fetch);
      const measured = await store.measure(slot);
      if (measured !== sha256)
        throw new FirmwareRefused('hash', `the image is ${measured ?? 'not there'}, not ${sha256}`);
      await store.write(installed(await store.read(), { signed, counter, sha256 }));
      return 'ready';
    },
    async boot() {
      for (;;) {
        const { slot, trial, next } = starting(await store.read());
        if (slot === null) throw new Error('no slot holds a good image; the device needs a new one by hand');
        await store.write(next); // before anything of the image runs
        const good = await verified(slot);
        if (good !== undefined) return { slot, ...good, trial, image: store.image(slot) };
        await store.write(damaged(next, slot));
      }
    },
    confirm: async () => store.write(confirmed(await store.read())),
    giveUp: async () => store.write(given(await store.read())),
  };

  async function verified(slot: SlotName) {
    const held = (await store.read()).slots[slot];
    const measured = await store.measure(slot);
    if (held === null || measured === undefined) return undefined;
    try {
      const manifest = readManifest(held.signed, trust);
      return measured === manifest.sha256 && manifest.counter === held.counter ? { manifest, measured } : undefined;
    } catch (error) {
      if (error instanceof FirmwareRefused) return undefined;
      throw error;
    }
  }
}

/** Fills the file up to the image's size. A file of another image is noticed by its hash at the end, and begun anew once. */
async function download(path: string, manifest: FirmwareManifest, fetch: FetchRange): Promise<void> {
  const file = await open(path, 'a+', 0o600);
  try {
    let { size: at } = await file.stat();
    const begun = at;
    if (at > manifest.size) {
      await file.truncate(0);
      at = 0;
    }
    at = await fill(file, at, manifest, fetch);
    if (begun > 0 && (await hashOf(file)) !== manifest.sha256) {
      await file.truncate(0);
      await fill(file, 0, manifest, fetch);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

type File = Awaited<ReturnType<typeof open>>;

async function fill(file: File, from: number, { size }: FirmwareManifest, fetch: FetchRange): Promise<number> {
  let at = from;
  while (at < size) {
    const wanted = Math.min(size, at + rangeBytes);
    const bytes = await fetch(at, wanted);
    if (bytes.length === 0 || bytes.length > wanted - at)
      throw new FirmwareRefused('size', `${bytes.length} bytes came for the range ${at} to ${wanted}`);
    await file.appendFile(bytes);
    at += bytes.length;
  }
  return at;
}

async function hashOf(file: File): Promise<string> {
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(rangeBytes);
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(chunk.subarray(0, bytesRead));
    at += bytesRead;
  }
}
