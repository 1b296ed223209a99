import { z } from 'zod';
import type { ServiceCaller } from '../callers.ts';

/**
 * An operation of the platform's HTTP interface. One table serves three readers: the API gateway makes its public
 * routes, its authorization and the OpenAPI document from it; the service behind it makes its internal route from the
 * same row (same path, below `/internal`); the client library takes its types from it. A route that is in no row does
 * not exist.
 */
export type Operation = {
  /** OpenAPI operationId, camelCase. */
  id: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** OpenAPI path below the API's root: `/v1/devices/{deviceId}`. */
  path: string;
  /** Who answers: the service that owns the data, or the API gateway itself. */
  service: 'devices' | 'telemetry' | 'api';
  /** Services that may ask for it beside the API gateway. */
  callers?: readonly ServiceCaller[];
  /** OAuth 2.0 scope that the caller's token must carry; null: there is no token, the body proves what it needs to. */
  scope: Scope | null;
  tag: string;
  summary: string;
  params?: z.ZodObject;
  query?: z.ZodObject;
  /** Request headers that mean something to it, lower-case; others are not looked at. */
  headers?: z.ZodObject;
  body?: z.ZodType;
  /** Media type of the body beside `application/json`. */
  bodyType?: 'application/merge-patch+json';
  /** Largest body that the API takes, bytes, where it is another one than elsewhere (IOT_BODY_BYTES). */
  bodyBytes?: number;
  /** The caller may ask it to wait for something, this long at most. */
  waitSeconds?: number;
  /**
   * The success status and its body; problems are the same for all operations. `etag` names the field of the body that
   * is its version: it is sent as a strong entity tag, which `if-match` of the same resource takes.
   */
  success: { status: 200 | 201 | 204; body?: z.ZodType; contentType?: string; etag?: string };
  /** Statuses that this operation can answer besides 400, 401, 403, 429, 500, 503, which all can. */
  problems: readonly (404 | 409 | 412 | 413 | 415 | 422)[];
};

/**
 * What a token may allow. A viewer has the `read` scopes but what is in dead letters; an operator all of devices,
 * telemetry and dead letters. `admin` is about people and machines of the own tenant; `tenants` about all tenants, and
 * counts only in the tenant of who operates the platform.
 */
export const scopes = [
  'devices:read',
  'devices:write',
  'telemetry:read',
  'dead-letters:read',
  'dead-letters:write',
  'platform:read',
  'admin',
  'tenants',
] as const;
export type Scope = (typeof scopes)[number];

export const roles = {
  viewer: ['devices:read', 'telemetry:read', 'platform:read'],
  operator: [
    'devices:read',
    'devices:write',
    'telemetry:read',
    'dead-letters:read',
    'dead-letters:write',
    'platform:read',
  ],
  admin: scopes,
} as const satisfies Record<string, readonly Scope[]>;
export type Role = keyof typeof roles;

/** RFC 9457 problem details; `errors` names each wrong field, the value it had and what is allowed. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    instance: z.string().optional(),
    trace: z.string().optional().meta({ description: 'Trace id; finds every log line of this request' }),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'One entry a wrong field' }),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof Problem>;

/** Time in a request: RFC 3339 with offset or epoch milliseconds; years 2000 to 2100. */
const earliest = Date.UTC(2000, 0, 1);
const latest = Date.UTC(2100, 0, 1);
export const Instant = z
  .string()
  .regex(
    /^(?:9(?:4[7-9]|[5-9]\d)\d{9}|(?:[123]\d|40)\d{11}|20\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d))$/,
    'a time is RFC 3339, as 2026-11-22T10:00:00Z, or epoch milliseconds',
  )
  .refine((text) => {
    const ms = instantMs(text);
    return ms >= earliest && ms < latest;
  }, 'a time lies between 2000-01-01 and 2100-01-01')
  .meta({ example: '2026-11-22T10:00:00Z' });

/** Epoch milliseconds of an `Instant`; NaN when it is none. */
export function instantMs(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Date.parse(text);
}

/** Opaque place in a listing, given back by the page before. */
export const Cursor = z
  .string()
  .min(1)
  .max(1_024)
  .regex(/^[A-Za-z0-9_-]+$/, 'a cursor is taken unchanged from `next`');

/** A page's size. Query values arrive as text. */
export const Limit = (fallback: number, most: number) => z.coerce.number().int().min(1).max(most).default(fallback);

/** What an answer lacks: parts that were away, and shards that did not answer in time. Absent when whole. */
export const Degraded = z
  .object({
    missingShards: z.array(z.int()).optional(),
    parts: z.array(z.string()).optional().meta({ description: 'Parts that were away: cache, devices, …' }),
  })
  .optional()
  .meta({ id: 'Degraded', description: 'Present when the answer is not whole or not from its first source' });

export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().nullable(), degraded: Degraded });
