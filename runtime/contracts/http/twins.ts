import { z } from 'zod';
import { DeviceId } from '../identifiers.ts';
import { isJsonObject } from '../json.ts';
import { documentProblem, twinBounds } from '../twin.ts';
import type { Operation } from './operation.ts';

const Time = z.iso.datetime();
const Version = z.int().min(0);
/** Any JSON object; its bounds are checked by hand, because they are about the whole of it. */
const anyObject = z.record(z.string(), z.unknown());

/** A desired state as people give it: no `null`, which in a patch means "remove" and so could never be patched in. */
export const DesiredDocument = z
  .record(z.string(), z.unknown(), 'a desired state must be one JSON object')
  .superRefine((value, context) => {
    const problem = documentProblem(value) ?? (hasNull(value) ? 'holds null; leave the name out instead' : undefined);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: `a desired state ${problem}` });
  })
  .meta({ id: 'DesiredDocument', description: 'JSON object: 256 KB, 16 levels, no null', example: { interval: 60 } });

export const DesiredPatch = z
  .record(z.string(), z.unknown(), 'a patch must be one JSON object')
  .superRefine((value, context) => {
    const problem = documentProblem(value);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: `a patch ${problem}` });
  })
  .meta({ id: 'DesiredPatch', description: 'RFC 7396: null removes a name', example: { interval: 30, lamp: null } });

function hasNull(value: unknown): boolean {
  if (value === null) return true;
  return isJsonObject(value) && Object.values(value).some(hasNull);
}

const Side = z.object({
  version: Version.meta({ description: 'Rises by one with each change; 0 before the first' }),
  updatedAt: Time.nullable(),
  document: anyObject,
});

export const DesiredState = Side.meta({ id: 'DesiredState' });
export type DesiredState = z.infer<typeof DesiredState>;
export const Twin = z
  .object({
    desired: DesiredState,
    reported: Side.extend({
      deviceVersion: z.int().nullable().meta({ description: "The device's own version, when it sent one" }),
    }).meta({ id: 'ReportedState' }),
    delta: anyObject.meta({ description: 'Desired minus reported: what the device has not said it has' }),
  })
  .meta({ id: 'Twin' });
export type Twin = z.infer<typeof Twin>;

const ifMatch = z.object({
  'if-match': z
    .string()
    .regex(/^(?:\*|"\d{1,15}")$/, 'If-Match is the ETag of the desired state, as "7", or *')
    .optional()
    .meta({ description: 'ETag of the desired state that this changes; another one answers 412' }),
});
const params = z.object({ deviceId: DeviceId });
const change = {
  service: 'devices',
  scope: 'devices:write',
  tag: 'Twins',
  params,
  headers: ifMatch,
  // Twice: a sender may indent.
  bodyBytes: 2 * twinBounds.bytes,
  success: { status: 200, body: DesiredState, etag: 'version' },
  problems: [404, 409, 412, 413, 415, 422],
} as const;

export const twinOperations = [
  {
    id: 'getTwin',
    method: 'GET',
    path: '/v1/devices/{deviceId}/twin',
    service: 'devices',
    scope: 'devices:read',
    tag: 'Twins',
    summary: "A device's twin: desired, reported, and what of the desired is not reported",
    params,
    success: { status: 200, body: Twin },
    problems: [404],
  },
  {
    id: 'getDesired',
    method: 'GET',
    path: '/v1/devices/{deviceId}/twin/desired',
    service: 'devices',
    scope: 'devices:read',
    tag: 'Twins',
    summary: 'The desired state, with its ETag',
    params,
    success: { status: 200, body: DesiredState, etag: 'version' },
    problems: [404],
  },
  {
    id: 'putDesired',
    method: 'PUT',
    path: '/v1/devices/{deviceId}/twin/desired',
    summary: 'Replace the desired state; the device gets it at once, or when it connects',
    body: DesiredDocument,
    ...change,
  },
  {
    id: 'patchDesired',
    method: 'PATCH',
    path: '/v1/devices/{deviceId}/twin/desired',
    summary: 'Change parts of the desired state by a merge patch (RFC 7396)',
    body: DesiredPatch,
    bodyType: 'application/merge-patch+json',
    ...change,
  },
] as const satisfies readonly Operation[];
