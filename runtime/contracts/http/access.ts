import { z } from 'zod';
import { DeviceId } from '../identifiers.ts';
import { jwtAlgorithms } from '../identity.ts';
import type { Operation } from './operation.ts';

const Time = z.iso.datetime();

/** A public key by which a device signs its JWTs. */
export const DeviceKey = z
  .object({
    id: z.string().meta({ description: 'Head of the SHA-256 of the key' }),
    algorithm: z.enum(jwtAlgorithms),
    expiresAt: Time.nullable(),
    createdAt: Time,
  })
  .meta({ id: 'DeviceKey' });
export type DeviceKey = z.infer<typeof DeviceKey>;

export const mostKeys = 3;

export const NewDeviceKey = z
  .strictObject({
    key: z.string().min(100).max(16_384).meta({
      description: 'PEM: PUBLIC KEY or CERTIFICATE, P-256 for ES256 or RSA of 2048 bits at least for RS256',
    }),
    expiresAt: Time.optional().meta({
      description: "After it the key is no good; a certificate's end where it is earlier",
    }),
  })
  .meta({ id: 'NewDeviceKey' });
export type NewDeviceKey = z.infer<typeof NewDeviceKey>;

const Audience = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{1,253}$/, 'an audience has 2 to 254 of: letters, digits, . _ : / -');

/** How a tenant's devices may log in besides by certificate. */
export const DeviceAccess = z
  .strictObject({
    jwt: z.boolean().meta({ description: 'Devices without a certificate may log in by JWT' }),
    audiences: z.array(Audience).max(16).meta({
      description:
        'Values of `aud` that name this tenant, such as the project of Cloud IoT Core; its own id always does',
    }),
  })
  .meta({ id: 'DeviceAccess' });
export type DeviceAccess = z.infer<typeof DeviceAccess>;

const deviceParams = z.object({ deviceId: DeviceId });
const keyParams = deviceParams.extend({
  keyId: z.string().regex(/^[0-9a-f]{16}$/, 'the id of a key is 16 hex digits'),
});

export const accessOperations = [
  {
    id: 'listDeviceKeys',
    method: 'GET',
    path: '/v1/devices/{deviceId}/keys',
    service: 'devices',
    scope: 'devices:read',
    tag: 'Keys',
    summary: "Public keys of a device's JWTs",
    params: deviceParams,
    success: { status: 200, body: z.object({ items: z.array(DeviceKey) }).meta({ id: 'DeviceKeys' }) },
    problems: [404],
  },
  {
    id: 'addDeviceKey',
    method: 'POST',
    path: '/v1/devices/{deviceId}/keys',
    service: 'devices',
    scope: 'devices:write',
    tag: 'Keys',
    summary: 'Add a public key beside those that there are, up to three; one that is there gets the new end',
    params: deviceParams,
    body: NewDeviceKey,
    success: { status: 201, body: DeviceKey },
    problems: [404, 409, 413, 415, 422],
  },
  {
    id: 'removeDeviceKey',
    method: 'DELETE',
    path: '/v1/devices/{deviceId}/keys/{keyId}',
    service: 'devices',
    scope: 'devices:write',
    tag: 'Keys',
    summary: 'Remove a key: sessions that it opened end within 5 seconds',
    params: keyParams,
    success: { status: 204 },
    problems: [404],
  },
  {
    id: 'getDeviceAccess',
    method: 'GET',
    path: '/v1/device-access',
    service: 'devices',
    scope: 'devices:read',
    tag: 'Keys',
    summary: 'How devices may log in besides by certificate',
    success: { status: 200, body: DeviceAccess },
    problems: [],
  },
  {
    id: 'putDeviceAccess',
    method: 'PUT',
    path: '/v1/device-access',
    service: 'devices',
    scope: 'admin',
    tag: 'Keys',
    summary: 'Allow or forbid log-in by JWT, and name its audiences',
    body: DeviceAccess,
    success: { status: 200, body: DeviceAccess },
    problems: [409, 413, 415, 422],
  },
] as const satisfies readonly Operation[];
