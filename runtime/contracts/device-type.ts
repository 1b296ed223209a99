import { z } from 'zod';
import { DeviceTypeId, MetricName } from './identifiers.ts';

/** What one metric of a device type may be. A number outside `min`…`max` is a dead letter `schema`. */
export const MetricSchema = z
  .strictObject({
    type: z.enum(['number', 'integer', 'boolean', 'string']),
    unit: z.string().min(1).max(32).optional().meta({ description: 'UCUM code or plain text', example: 'Cel' }),
    min: z.number().optional(),
    max: z.number().optional(),
    maxLength: z.int().min(1).max(1024).optional(),
    required: z.boolean().default(false),
  })
  .meta({ id: 'MetricSchema' });
export type MetricSchema = z.infer<typeof MetricSchema>;

export const alertOperators = ['>', '>=', '<', '<=', '==', '!='] as const;

/** Opens an alert when a reading crosses a threshold, or when a device has been silent for too long. */
export const AlertRule = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('threshold'),
      id: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
      metric: MetricName,
      operator: z.enum(alertOperators),
      value: z.number(),
      severity: z.enum(['info', 'warning', 'critical']).default('warning'),
    }),
    z.strictObject({
      kind: z.literal('silence'),
      id: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
      seconds: z
        .int()
        .min(5)
        .max(30 * 86_400),
      severity: z.enum(['info', 'warning', 'critical']).default('warning'),
    }),
  ])
  .meta({ id: 'AlertRule' });
export type AlertRule = z.infer<typeof AlertRule>;

/** Keys that a device may have. `P-256` is every device's, the others are allowed by its type. */
export const keyKinds = ['P-256', 'P-384', 'RSA-2048', 'RSA-3072', 'RSA-4096'] as const;
export type KeyKind = (typeof keyKinds)[number];

/** Certificates of a type's devices. */
export const CertificatePolicy = z
  .strictObject({
    days: z.int().min(1).max(825).optional().meta({ description: "Their life; the platform's own without it" }),
    keys: z.array(z.enum(keyKinds)).min(1).max(keyKinds.length).default(['P-256']),
  })
  .meta({ id: 'CertificatePolicy' });

/**
 * A kind of device: which metrics it sends, in which units, and how a reading is changed before it is stored.
 * `transform` maps a metric to a CEL expression (https://cel.dev) over `values` (the reading's metrics as sent):
 * `{ "temperature": "(values.temperature_f - 32.0) / 1.8" }`. Metrics without an expression pass unchanged;
 * `drop` removes metrics after the transform. The schema is checked after the transform.
 */
export const DeviceType = z
  .strictObject({
    id: DeviceTypeId,
    description: z.string().max(500).default(''),
    metrics: z
      .record(MetricName, MetricSchema)
      .refine((m) => Object.keys(m).length <= 64, 'a type has at most 64 metrics'),
    /** Whether metrics that the schema does not name are stored as they come, or make the reading a dead letter. */
    additionalMetrics: z.boolean().default(true),
    transform: z
      .record(MetricName, z.string().min(1).max(1_000))
      .refine((t) => Object.keys(t).length <= 64, 'a type has at most 64 expressions')
      .default({}),
    drop: z.array(MetricName).max(64).default([]),
    alerts: z.array(AlertRule).max(32).default([]),
    certificates: CertificatePolicy.optional(),
  })
  .meta({ id: 'DeviceType' });
export type DeviceType = z.infer<typeof DeviceType>;

/** The type of a device that was created without one: any metric, no transform, no alerts. */
export const genericDeviceType: DeviceType = {
  id: 'generic',
  description: 'Any metrics, stored as sent',
  metrics: {},
  additionalMetrics: true,
  transform: {},
  drop: [],
  alerts: [],
};
