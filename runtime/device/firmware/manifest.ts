import { type KeyObject, verify } from 'node:crypto';
import { FirmwareHeader, FirmwareManifest, type FirmwareRefusal } from '../../contracts/firmware.ts';

/** What this device trusts and is. */
export type FirmwareTrust = {
  /** Public keys (P-256) by key id, from when the device was made. */
  keys: ReadonlyMap<string, KeyObject>;
  hardware: string;
};

/** A manifest or an image that does not get into this device; `code` is what it reports. */
export class FirmwareRefused extends Error {
  readonly code: FirmwareRefusal;
  constructor(code: FirmwareRefusal, why: string, options?: ErrorOptions) {
    super(`firmware refused (${code}): ${why}`, options);
    this.name = 'FirmwareRefused';
    this.code = code;
  }
}

const longest = 16_384;

/**
 * The manifest of a signed text. The signature is checked before anything inside is looked at, over the very characters that
 * came: a text that decodes to the same bytes but is written otherwise is another text, and refused.
 * @throws FirmwareRefused `malformed`, `key`, `signature`, `hardware`
 */
export function readManifest(signed: string, trust: FirmwareTrust): FirmwareManifest {
  if (signed.length > longest) throw new FirmwareRefused('malformed', `more than ${longest} characters`);
  const parts = signed.split('.');
  if (parts.length !== 3) throw new FirmwareRefused('malformed', 'it is not header.manifest.signature');
  const [head, body, signature] = parts.map(strictBytes) as [Buffer, Buffer, Buffer];
  const { kid } = parsed(FirmwareHeader, head, 'header');
  const key = trust.keys.get(kid);
  if (key === undefined) throw new FirmwareRefused('key', 'it is signed by a key that this device does not know');
  const said = Buffer.from(`${parts[0]}.${parts[1]}`);
  if (signature.length !== 64 || !verify('sha256', said, { key, dsaEncoding: 'ieee-p1363' }, signature))
    throw new FirmwareRefused('signature', 'the signature is not of these bytes');
  const manifest = parsed(FirmwareManifest, body, 'manifest');
  if (!manifest.hardware.includes(trust.hardware))
    throw new FirmwareRefused('hardware', `it is for ${manifest.hardware.join(', ')}, this is ${trust.hardware}`);
  return manifest;
}

/** Buffer.from takes what it can and ignores the rest; only the one spelling of the bytes counts here. */
function strictBytes(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) throw new FirmwareRefused('malformed', 'a part is not plain base64url');
  return bytes;
}

function parsed<T>(
  schema: { safeParse(value: unknown): { success: true; data: T } | { success: false } },
  bytes: Buffer,
  what: string,
): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new FirmwareRefused('malformed', `the ${what} is no JSON`, { cause });
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new FirmwareRefused('malformed', `the ${what} has other fields than it should`);
  return result.data;
}
