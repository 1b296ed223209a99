import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { type Credentials, createRequest, EnrolmentError, enrolWithClaimCode } from '../device/enrol.ts';

const Claim = z.object({ code: z.string(), key: z.string() });

/**
 * Enrols a simulated device by claim code as a real one should: code and key are on disk before they are used, so that a
 * process that dies at any step goes on with the same two and gets the same certificate.
 */
export async function claim(options: {
  deviceId: string;
  /** Where code and key wait for their certificate; mode 0600. */
  file: string;
  api: string;
  newCode: () => Promise<string>;
}): Promise<Credentials> {
  const { deviceId, file, api } = options;
  const kept = await read(file);
  const { code, key } = kept ?? { code: await options.newCode(), key: (await createRequest(deviceId)).key };
  if (kept === undefined) {
    await writeFile(`${file}.next`, JSON.stringify({ code, key }), { mode: 0o600 });
    await rename(`${file}.next`, file);
  }
  try {
    return await enrolWithClaimCode({ code, request: await createRequest(deviceId, key), api });
  } catch (error) {
    // Used by another key, over, or unknown: this code will never do, the next try begins with a new one.
    if (error instanceof EnrolmentError && (error.status === 404 || error.status === 409)) await rm(file);
    throw error;
  }
}

async function read(file: string): Promise<z.output<typeof Claim> | undefined> {
  try {
    return Claim.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
