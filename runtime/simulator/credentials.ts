import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Credentials } from '../device/enrol.ts';

const Stored = z.object({ key: z.string(), cert: z.string(), ca: z.string(), notAfter: z.number() });

/** Keys and certificates of the fleet on disk, mode 0600, one file a device; for the next start. */
export function createCredentialStore(dir: string) {
  const fileOf = (deviceId: string) => join(dir, `${encodeURIComponent(deviceId)}.json`);
  return {
    async prepare(): Promise<void> {
      await mkdir(dir, { recursive: true, mode: 0o700 });
    },
    /** Undefined when there is none, or when it is about to end. */
    async load(deviceId: string, now: number): Promise<Credentials | undefined> {
      let text: string;
      try {
        text = await readFile(fileOf(deviceId), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
      const stored = Stored.parse(JSON.parse(text));
      return stored.notAfter - now > renewBeforeMs ? stored : undefined;
    },
    async save(deviceId: string, credentials: Credentials & { notAfter: number }): Promise<void> {
      const file = fileOf(deviceId);
      await writeFile(`${file}.next`, JSON.stringify(credentials), { mode: 0o600 });
      await rename(`${file}.next`, file);
    },
  };
}
export type CredentialStore = ReturnType<typeof createCredentialStore>;

const renewBeforeMs = 3 * 86_400_000;
