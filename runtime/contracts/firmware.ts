import { z } from 'zod';
import { DeviceTypeId } from './identifiers.ts';

/** Largest image, bytes. */
export const maxImageBytes = 268_435_456;

/**
 * What a release promises about its image. It is signed as a JWS in compact form (RFC 7515) with ES256 alone:
 * `BASE64URL(header) . BASE64URL(this as JSON) . BASE64URL(r || s)`, header `{"alg":"ES256","kid":…,"typ":"iot-firmware"}`.
 */
export const FirmwareManifest = z
  .strictObject({
    v: z.literal(1),
    version: z
      .string()
      .regex(/^[0-9]{1,5}\.[0-9]{1,5}\.[0-9]{1,5}(?:-[0-9A-Za-z.-]{1,32})?$/, 'a version is as 2.14.0 or 2.14.0-rc.1'),
    /** Hardware that it is for, as the device names its own. */
    hardware: z
      .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'hardware has 1 to 64 of: letters, digits, _ . -'))
      .min(1)
      .max(32),
    /** Rises with every release: a device takes only a higher one than it has confirmed. */
    counter: z.int().min(1).max(2_147_483_647),
    size: z.int().min(1).max(maxImageBytes),
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'sha256 is 64 lower-case hex digits'),
    /** Device type that it is offered to; the device itself goes by `hardware`. */
    type: DeviceTypeId,
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'FirmwareManifest' });
export type FirmwareManifest = z.infer<typeof FirmwareManifest>;

export const firmwareTokenType = 'iot-firmware';
export const FirmwareHeader = z.strictObject({
  alg: z.literal('ES256'),
  kid: z.string().min(1).max(128),
  typ: z.literal(firmwareTokenType),
});

/** Why a device refuses a manifest or an image; also what it reports. */
export const firmwareRefusals = [
  'malformed',
  'key',
  'signature',
  'hardware',
  'rollback',
  'busy',
  'size',
  'hash',
] as const;
export type FirmwareRefusal = (typeof firmwareRefusals)[number];
