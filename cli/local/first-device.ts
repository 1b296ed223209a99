import { X509Certificate } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import type { DataFolder } from '../../runtime/local/folder.ts';
import { type Api, ApiError } from '../api.ts';
import { certify, type DeviceFiles, filesIn } from '../device-files.ts';

/** The device of the printed `mosquitto_pub` line, so that the line works when it is pasted. */
export const firstDeviceId = 'first-device';
const leftAtLeastMs = 24 * 3_600_000;

/** Registers it once; its certificate is renewed when it has less than a day left, or is not of today's CA. */
export async function ensureFirstDevice(api: Api, folder: DataFolder): Promise<DeviceFiles | undefined> {
  const dir = folder.at(firstDeviceId);
  const files = filesIn(dir);
  const registered = await api.call('getDevice', { params: { deviceId: firstDeviceId } }).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  });
  if (registered?.status === 'blocked') return files; // the user's wish; its certificate can not be renewed
  if (registered !== undefined && (await isGood(files, folder.at('ca', 'issuing-ca.pem')))) return files;
  if (registered === undefined)
    await api.call('createDevice', {
      body: { id: firstDeviceId, name: 'The first device', type: 'generic', tags: [] },
    });
  await mkdir(dir, { recursive: true, mode: 0o700 });
  return (await certify({ api, device: firstDeviceId, dir, replace: true })).files;
}

async function isGood(files: DeviceFiles, issuer: string): Promise<boolean> {
  try {
    const leaf = new X509Certificate(await readFile(files.cert));
    const ca = new X509Certificate(await readFile(issuer));
    await readFile(files.key);
    return leaf.verify(ca.publicKey) && Date.parse(leaf.validTo) - Date.now() > leftAtLeastMs;
  } catch {
    return false; // missing or unreadable: it is made anew, which is what the caller does with `false`
  }
}
