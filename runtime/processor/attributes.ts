import { deviceIdPattern, tenantIdPattern, traceIdPattern } from '../contracts/identifiers.ts';
import type { Incoming } from './interpret.ts';

/** Attributes and body of a bus message, however it came to us. */
export type RawMessage = { attributes: Readonly<Record<string, string>>; data: Buffer };

const subfolderPattern = /^[A-Za-z0-9_.~/-]{0,350}$/;

/**
 * Reads what the gateway stamped on a message.
 * @returns the message, or in one line why it is none of our gateway's.
 */
export function readAttributes(raw: RawMessage): Incoming | string {
  const { v, tenant = '', device = '', kind, subfolder = '', message = '', received = '' } = raw.attributes;
  if (v !== '1') return `attribute v is '${v}', this processor knows 1`;
  if (!tenantIdPattern.test(tenant)) return 'attribute tenant is no tenant id';
  if (!deviceIdPattern.test(device)) return 'attribute device is no device id';
  if (kind !== 'events' && kind !== 'state') return `attribute kind is '${kind}', allowed are events and state`;
  if (!traceIdPattern.test(message)) return 'attribute message is not 32 hex digits';
  if (!/^\d{12,14}$/.test(received)) return 'attribute received is no time in epoch milliseconds';
  if (!subfolderPattern.test(subfolder)) return 'attribute subfolder has characters that are not allowed';
  return { tenant, device, kind, subfolder, message, received: Number(received), data: raw.data };
}
