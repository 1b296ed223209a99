import { z } from 'zod';
import { DeviceId, MetricName } from '../identifiers.ts';
import { deadLetterOperations } from './dead-letters.ts';
import { Cursor, Degraded, Instant, Limit, type Operation, page } from './operation.ts';

const Time = z.iso.datetime();
const Value = z.union([z.number(), z.string(), z.boolean()]);
const deviceParams = z.object({ deviceId: DeviceId });

export const State = z
  .object({
    device: DeviceId,
    ts: Time,
    seq: z.int(),
    values: z.record(z.string(), Value),
    source: z
      .enum(['cache', 'store'])
      .meta({ description: '`store` when Redis was away: same reading, read from Postgres' }),
    degraded: Degraded,
  })
  .meta({ id: 'State' });
export type State = z.infer<typeof State>;

/** A row of raw history, or a bucket of 1 minute or 1 hour. */
export const HistoryPoint = z
  .object({
    ts: Time.meta({ description: 'Time of the reading, or start of the bucket' }),
    seq: z.int().optional(),
    values: z.record(z.string(), Value).optional().meta({ description: 'Raw resolution only' }),
    aggregates: z
      .record(
        z.string(),
        z.object({ count: z.int(), min: z.number(), max: z.number(), avg: z.number(), sum: z.number() }),
      )
      .optional()
      .meta({ description: '1m and 1h resolution: numeric metrics' }),
  })
  .meta({ id: 'HistoryPoint' });
export type HistoryPoint = z.infer<typeof HistoryPoint>;

export const resolutions = ['raw', '1m', '1h', 'auto'] as const;

export const Alert = z
  .object({
    id: z.string(),
    device: DeviceId,
    rule: z.string(),
    kind: z.enum(['threshold', 'silence']),
    severity: z.enum(['info', 'warning', 'critical']),
    state: z.enum(['open', 'closed']),
    openedAt: Time,
    closedAt: Time.nullable(),
    acknowledgedAt: Time.nullable(),
    acknowledgedBy: z.string().nullable(),
    detail: z.string(),
  })
  .meta({ id: 'Alert' });
export type Alert = z.infer<typeof Alert>;

const Latency = z
  .object({ p50: z.number().nullable(), p99: z.number().nullable() })
  .meta({ description: 'Milliseconds over the last minute; null without traffic' });

export const FleetSummary = z
  .object({
    devices: z.int(),
    connected: z.int(),
    blocked: z.int(),
    readingsPerSecond: z.number(),
    readingsTotal: z
      .int()
      .meta({ description: 'Stored rows, whole history within retention, estimated by Postgres beyond a million' }),
    deadLettersLastDay: z.int(),
    openAlerts: z.int(),
    ackLatency: Latency,
    queryableLatency: Latency,
    degraded: Degraded,
  })
  .meta({ id: 'FleetSummary' });
export type FleetSummary = z.infer<typeof FleetSummary>;

export const PlatformPart = z
  .object({
    name: z.string(),
    status: z.enum(['up', 'degraded', 'down']),
    detail: z.string(),
    pid: z.int().nullable(),
    uptimeSeconds: z.number().nullable(),
    cpu: z.number().nullable().meta({ description: 'Cores used over the last seconds' }),
    rssBytes: z.int().nullable(),
    rates: z
      .record(z.string(), z.number())
      .meta({ description: 'Per second over the last seconds: received, published, stored, …' }),
    gauges: z.record(z.string(), z.number()),
  })
  .meta({ id: 'PlatformPart' });
export type PlatformPart = z.infer<typeof PlatformPart>;

export const telemetryOperations = [
  {
    id: 'getState',
    method: 'GET',
    path: '/v1/devices/{deviceId}/state',
    service: 'telemetry',
    scope: 'telemetry:read',
    tag: 'Telemetry',
    summary: "A device's newest reading",
    params: deviceParams,
    success: { status: 200, body: State },
    problems: [404],
  },
  {
    id: 'getHistory',
    method: 'GET',
    path: '/v1/devices/{deviceId}/history',
    service: 'telemetry',
    scope: 'telemetry:read',
    tag: 'Telemetry',
    summary: 'Readings of a time range, oldest first, raw or as 1-minute or 1-hour aggregates',
    params: deviceParams,
    query: z.object({
      from: Instant,
      to: Instant,
      resolution: z
        .enum(resolutions)
        .default('auto')
        .meta({ description: '`auto`: raw up to 2 hours, 1m up to 3 days, 1h beyond' }),
      metric: MetricName.optional(),
      cursor: Cursor.optional(),
      limit: Limit(1_000, 10_000),
    }),
    success: {
      status: 200,
      body: z
        .object({
          device: DeviceId,
          resolution: z.enum(['raw', '1m', '1h']),
          items: z.array(HistoryPoint),
          next: z.string().nullable(),
          degraded: Degraded,
        })
        .meta({ id: 'History' }),
    },
    problems: [404],
  },
  {
    id: 'getFleetSummary',
    method: 'GET',
    path: '/v1/fleet/summary',
    service: 'telemetry',
    scope: 'telemetry:read',
    tag: 'Fleet',
    summary: 'The fleet in numbers',
    success: { status: 200, body: FleetSummary },
    problems: [],
  },
  {
    id: 'getFleetAggregate',
    method: 'GET',
    path: '/v1/fleet/aggregate',
    service: 'telemetry',
    scope: 'telemetry:read',
    tag: 'Fleet',
    summary: 'One metric over all devices of the tenant, by time bucket',
    query: z.object({ metric: MetricName, from: Instant, to: Instant, resolution: z.enum(['1m', '1h']).default('1m') }),
    success: {
      status: 200,
      body: z
        .object({
          metric: z.string(),
          resolution: z.enum(['1m', '1h']),
          items: z
            .array(
              z.object({
                ts: Time,
                devices: z.int(),
                count: z.int(),
                min: z.number(),
                max: z.number(),
                avg: z.number(),
              }),
            )
            .max(10_000),
          degraded: Degraded,
        })
        .meta({ id: 'FleetAggregate' }),
    },
    problems: [],
  },
  {
    id: 'listAlerts',
    method: 'GET',
    path: '/v1/alerts',
    service: 'telemetry',
    scope: 'telemetry:read',
    tag: 'Alerts',
    summary: 'Alerts, newest first',
    query: z.object({
      state: z.enum(['open', 'closed']).optional(),
      device: DeviceId.optional(),
      cursor: Cursor.optional(),
      limit: Limit(50, 500),
    }),
    success: { status: 200, body: page(Alert).meta({ id: 'AlertPage' }) },
    problems: [],
  },
  {
    id: 'acknowledgeAlert',
    method: 'POST',
    path: '/v1/alerts/{alertId}/acknowledge',
    service: 'telemetry',
    scope: 'devices:write',
    tag: 'Alerts',
    summary: 'Mark an alert as seen',
    params: z.object({ alertId: z.string().regex(/^[0-9]{1,4}-[0-9a-f-]{36}$/, 'an alert id is shard-uuid') }),
    success: { status: 200, body: Alert },
    problems: [404],
  },
  ...deadLetterOperations,
] as const satisfies readonly Operation[];
