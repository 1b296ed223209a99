import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { FirmwareManifest } from '../../../runtime/contracts/firmware.ts';
import type { FirmwareTrust } from '../../../runtime/device/firmware/manifest.ts';
import type { FetchRange } from '../../../runtime/device/firmware/updater.ts';
import { type FirmwareSigner, signManifest } from '../../../runtime/devices/firmware/signing.ts';

export const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const signer: FirmwareSigner = {
  kid: 'release-1',
  sign: async (bytes) => sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
};
export const trust: FirmwareTrust = { keys: new Map([['release-1', publicKey]]), hardware: 'board-2' };

export const imageOf = (text: string, bytes = 200_000) => Buffer.alloc(bytes, text);
export const manifestOf = (image: Buffer, counter: number, more: Partial<FirmwareManifest> = {}): FirmwareManifest => ({
  v: 1,
  version: `1.${counter}.0`,
  hardware: ['board-1', 'board-2'],
  counter,
  size: image.length,
  sha256: createHash('sha256').update(image).digest('hex'),
  type: 'pump',
  createdAt: '2026-11-30T12:00:00Z',
  ...more,
});
export const release = async (image: Buffer, counter: number, more: Partial<FirmwareManifest> = {}) =>
  await signManifest(manifestOf(image, counter, more), signer);

/** Serves an image by ranges, and keeps which were asked for. */
export function served(image: Buffer): FetchRange & { asked: [number, number][] } {
  const asked: [number, number][] = [];
  const fetch = async (from: number, to: number) => {
    asked.push([from, to]);
    return image.subarray(from, to);
  };
  return Object.assign(fetch, { asked });
}
