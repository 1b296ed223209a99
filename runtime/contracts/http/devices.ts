import { z } from 'zod';
import { DeviceType } from '../device-type.ts';
import { DeviceId, DeviceTypeId } from '../identifiers.ts';
import { deviceImportOperations } from './device-import.ts';
import { Cursor, Degraded, Limit, type Operation, page } from './operation.ts';

export const Tag = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.:=-]{0,63}$/, 'a tag has 1 to 64 of: letters, digits, _ . : = -');
const Time = z.iso.datetime();

export const Device = z
  .object({
    id: DeviceId,
    tenant: z.string(),
    name: z.string(),
    type: DeviceTypeId,
    tags: z.array(Tag),
    status: z.enum(['active', 'blocked']),
    blockedReason: z.string().nullable(),
    createdAt: Time,
    updatedAt: Time,
    connection: z
      .object({
        connected: z.boolean(),
        since: Time.nullable(),
        gateway: z.string().nullable(),
        lastSeenAt: Time.nullable(),
      })
      .meta({ description: 'From the gateways, by way of Redis; from the registry when Redis is away' }),
    degraded: Degraded,
  })
  .meta({ id: 'Device' });
export type Device = z.infer<typeof Device>;

const Name = z
  .string()
  .max(200)
  .regex(/^[^\p{Cc}]*$/u, 'a name has no control characters');

export const NewDevice = z
  .strictObject({
    id: DeviceId,
    name: Name.optional(),
    type: DeviceTypeId.default('generic'),
    tags: z.array(Tag).max(32).default([]),
  })
  .meta({ id: 'NewDevice' });
export type NewDevice = z.infer<typeof NewDevice>;

export const DevicePatch = z
  .strictObject({ name: Name.optional(), type: DeviceTypeId.optional(), tags: z.array(Tag).max(32).optional() })
  .meta({ id: 'DevicePatch' });

export const Certificate = z
  .object({
    serial: z.string().meta({ description: 'Lower-case hex' }),
    device: DeviceId,
    notBefore: Time,
    notAfter: Time,
    status: z.enum(['active', 'revoked']),
    revokedAt: Time.nullable(),
    revokedReason: z.string().nullable(),
    fingerprint256: z.string().meta({ description: 'SHA-256 of the DER, lower-case hex' }),
  })
  .meta({ id: 'Certificate' });
export type Certificate = z.infer<typeof Certificate>;

export const IssuedCertificate = Certificate.extend({
  certificate: z.string().meta({ description: 'PEM of the device certificate' }),
  chain: z
    .string()
    .meta({ description: 'PEM of the issuing CA and up, what a device sends after its own certificate' }),
  ca: z.string().meta({ description: 'PEM that the device trusts for the gateway' }),
}).meta({ id: 'IssuedCertificate' });
export type IssuedCertificate = z.infer<typeof IssuedCertificate>;

export const Reason = z.strictObject({ reason: Name.min(1).default('by operator') }).meta({ id: 'Reason' });
const deviceParams = z.object({ deviceId: DeviceId });

export const deviceOperations = [
  {
    id: 'listDevices',
    method: 'GET',
    path: '/v1/devices',
    service: 'devices',
    scope: 'devices:read',
    tag: 'Devices',
    summary: 'Devices by id, a page at a time',
    query: z.object({
      search: z.string().min(1).max(100).optional().meta({ description: 'Part of the id or name, any case' }),
      tag: Tag.optional(),
      type: DeviceTypeId.optional(),
      status: z.enum(['active', 'blocked']).optional(),
      cursor: Cursor.optional(),
      limit: Limit(50, 500),
    }),
    success: { status: 200, body: page(Device).meta({ id: 'DevicePage' }) },
    problems: [],
  },
  ...deviceImportOperations,
  {
    id: 'createDevice',
    method: 'POST',
    path: '/v1/devices',
    service: 'devices',
    scope: 'devices:write',
    tag: 'Devices',
    summary: 'Register a device',
    body: NewDevice,
    success: { status: 201, body: Device },
    problems: [409, 413, 415, 422],
  },
  {
    id: 'getDevice',
    method: 'GET',
    path: '/v1/devices/{deviceId}',
    service: 'devices',
    callers: ['telemetry'],
    scope: 'devices:read',
    tag: 'Devices',
    summary: 'One device',
    params: deviceParams,
    success: { status: 200, body: Device },
    problems: [404],
  },
  {
    id: 'updateDevice',
    method: 'PATCH',
    path: '/v1/devices/{deviceId}',
    service: 'devices',
    scope: 'devices:write',
    tag: 'Devices',
    summary: "Change a device's name, type or tags",
    params: deviceParams,
    body: DevicePatch,
    success: { status: 200, body: Device },
    problems: [404, 413, 415, 422],
  },
  {
    id: 'blockDevice',
    method: 'POST',
    path: '/v1/devices/{deviceId}/block',
    service: 'devices',
    scope: 'devices:write',
    tag: 'Devices',
    summary: 'Block a device: live sessions end within 5 seconds, new ones are refused',
    params: deviceParams,
    body: Reason,
    success: { status: 200, body: Device },
    problems: [404, 413, 415],
  },
  {
    id: 'unblockDevice',
    method: 'POST',
    path: '/v1/devices/{deviceId}/unblock',
    service: 'devices',
    scope: 'devices:write',
    tag: 'Devices',
    summary: 'Let a blocked device connect again',
    params: deviceParams,
    body: Reason,
    success: { status: 200, body: Device },
    problems: [404, 413, 415],
  },
  {
    id: 'issueCertificate',
    method: 'POST',
    path: '/v1/devices/{deviceId}/certificates',
    service: 'devices',
    scope: 'devices:write',
    tag: 'Certificates',
    summary: 'Sign a certificate request; the key never leaves the device',
    params: deviceParams,
    body: z
      .strictObject({ csr: z.string().min(100).max(8_192).meta({ description: 'PKCS #10 in PEM, P-256 key' }) })
      .meta({ id: 'CertificateRequest' }),
    success: { status: 201, body: IssuedCertificate },
    problems: [404, 409, 413, 415, 422],
  },
  {
    id: 'listCertificates',
    method: 'GET',
    path: '/v1/devices/{deviceId}/certificates',
    service: 'devices',
    scope: 'devices:read',
    tag: 'Certificates',
    summary: "A device's certificates, newest first",
    params: deviceParams,
    query: z.object({ cursor: Cursor.optional(), limit: Limit(50, 500) }),
    success: { status: 200, body: page(Certificate).meta({ id: 'CertificatePage' }) },
    problems: [404],
  },
  {
    id: 'revokeCertificate',
    method: 'POST',
    path: '/v1/devices/{deviceId}/certificates/{serial}/revoke',
    service: 'devices',
    scope: 'devices:write',
    tag: 'Certificates',
    summary: 'Revoke one certificate: sessions that use it end within 5 seconds',
    params: z.object({
      deviceId: DeviceId,
      serial: z.string().regex(/^[0-9a-f]{2,40}$/, 'a serial is lower-case hex'),
    }),
    body: Reason,
    success: { status: 200, body: Certificate },
    problems: [404, 413, 415],
  },
  {
    id: 'listDeviceTypes',
    method: 'GET',
    path: '/v1/device-types',
    service: 'devices',
    scope: 'devices:read',
    tag: 'Device types',
    summary: 'Device types by id',
    query: z.object({ cursor: Cursor.optional(), limit: Limit(50, 500) }),
    success: { status: 200, body: page(DeviceType).meta({ id: 'DeviceTypePage' }) },
    problems: [],
  },
  {
    id: 'getDeviceType',
    method: 'GET',
    path: '/v1/device-types/{typeId}',
    service: 'devices',
    scope: 'devices:read',
    tag: 'Device types',
    summary: 'One device type',
    params: z.object({ typeId: DeviceTypeId }),
    success: { status: 200, body: DeviceType },
    problems: [404],
  },
  {
    id: 'putDeviceType',
    method: 'PUT',
    path: '/v1/device-types/{typeId}',
    service: 'devices',
    scope: 'devices:write',
    tag: 'Device types',
    summary: 'Create or replace a device type; `id` in the body must be the one in the path',
    params: z.object({ typeId: DeviceTypeId }),
    body: DeviceType,
    success: { status: 200, body: DeviceType },
    problems: [413, 415, 422],
  },
] as const satisfies readonly Operation[];
