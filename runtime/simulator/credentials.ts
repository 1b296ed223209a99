import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Credentials } from '../device/enrol.ts';

const Stored = z.object({ key: z.string(), cert: z.string(), ca: z.string(), renewAt: z.number() });

/** Keys and certificates of the fleet on disk, mode 0600, one file a device; for the next start. */
export function createCredentialStore(dir: string) {
  const fileOf = (deviceId: string) => join(dir, `${encodeURIComponent(deviceId)}.json`);
  return {
    async prepare(): Promise<void> {
      await mkdir(dir, { recursive: true, mode: 0o700 });
    },
    /** Where a claim waits for its certificate. */
    claimFile: (deviceId: string) => join(dir, `${encodeURIComponent(deviceId)}.claim`),
    /** Undefined when there is none, or when it is due for renewal. */
    async load(deviceId: string, now: number): Promise<Credentials | undefined> {
      let text: string;
      try {
        text = await readFile(fileOf(deviceId), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
      const stored = Stored.parse(JSON.parse(text));
      return now < stored.renewAt ? stored : undefined;
    },
    async save(deviceId: string, credentials: Credentials): Promise<void> {
      const file = fileOf(deviceId);
      await writeFile(`${file}.next`, JSON.stringify({ ...credentials, renewAt: renewalTime(credentials.cert) }), {
        mode: 0o600,
      });
      await rename(`${file}.next`, file);
      await rm(`${file.slice(0, -'.json'.length)}.claim`, { force: true });
    },
  };
}
export type CredentialStore = ReturnType<typeof createCredentialStore>;

/** Two thirds into its life, as certificate tools have it: a third is left for trying again. */
function renewalTime(certificate: string): number {
  const { validFrom, validTo } = new X509Certificate(certificate);
  return Date.parse(validFrom) + (2 / 3) * (Date.parse(validTo) - Date.parse(validFrom));
}
