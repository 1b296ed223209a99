import { z } from 'zod';

/**
 * A device's name inside its tenant. The grammar is Cloud IoT Core's (letter first, 3 to 255 characters) without `+`:
 * MQTT allows it in no topic that is published to (3.1.1, 4.7.1-1), so such a device could connect and never send.
 * With `/`, `#` and `:` not in the alphabet either, no id forms an MQTT wildcard or a Redis key separator.
 */
export const deviceIdPattern = /^[A-Za-z][A-Za-z0-9\-_.~%]{2,254}$/;
export const DeviceId = z
  .string()
  .regex(deviceIdPattern, 'a device id starts with a letter and has 3 to 255 of: letters, digits, - _ . ~ %')
  .meta({ example: 'thermostat-0001' });

/** A tenant's short name; part of every table key, Redis key, event and certificate subject. */
export const tenantIdPattern = /^[a-z][a-z0-9-]{1,62}$/;
export const TenantId = z
  .string()
  .regex(tenantIdPattern, 'a tenant id starts with a lower-case letter and has 2 to 63 of: a-z, 0-9, -')
  .meta({ example: 'main' });

/** The tenant that exists from the first start on. */
export const defaultTenant = 'main';

export const deviceTypeIdPattern = /^[a-z][a-z0-9-]{1,62}$/;
export const DeviceTypeId = z
  .string()
  .regex(deviceTypeIdPattern, 'a device type starts with a lower-case letter and has 2 to 63 of: a-z, 0-9, -')
  .meta({ example: 'thermostat' });

/** One measured quantity of a reading: `temperature`, `door.open`. At most 64 characters. */
export const metricNamePattern = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;
export const MetricName = z
  .string()
  .regex(metricNamePattern, 'a metric name starts with a letter or _ and has 1 to 64 of: letters, digits, _ . -')
  .meta({ example: 'temperature' });

/** Names under which JavaScript objects carry inherited meaning; refused as keys wherever outside data names a key. */
export const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** W3C trace id: 32 lower-case hex digits, not all zero (https://www.w3.org/TR/trace-context/#trace-id). */
export const traceIdPattern = /^(?!0{32})[0-9a-f]{32}$/;
