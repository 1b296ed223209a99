import { createHash } from 'node:crypto';
import { deviceIdPattern, tenantIdPattern } from '../../contracts/identifiers.ts';

/**
 * Every Redis key and channel of the platform. The environment's prefix is not in them: the client adds it to each
 * (connect.ts), so two environments can share a server. Parts are joined by `:`, which no id may contain; a part that
 * comes from outside is checked or encoded here, so no id can reach into another's key.
 *
 * | key | type | holds | written by |
 * |---|---|---|---|
 * | `state:<tenant>:<device>` | hash `ts`, `seq`, `payload` | newest reading | processor, by `newestState` |
 * | `presence:<tenant>:<device>` | hash `gateway`, `epoch`, `info` | who holds the connection | gateway, by `holdConnection` |
 * | `presence-of:<gateway>` | sorted set `<tenant>:<device>` by renewal time | what a gateway holds | gateway |
 * | `gateway:<gateway>` | string, expires | a gateway is alive | gateway |
 * | `rate:<kind>:<id>` | string | a rate limit | api, gateway, by `takeToken` |
 * | `state-epoch` | string | gone when Redis was flushed: the state has to be rebuilt | processor |
 */
export function stateKey(tenant: string, device: string): string {
  return `state:${tenantPart(tenant)}:${devicePart(device)}`;
}

export function presenceKey(tenant: string, device: string): string {
  return `presence:${tenantPart(tenant)}:${devicePart(device)}`;
}

export function presenceIndexKey(gateway: string): string {
  return `presence-of:${gatewayPart(gateway)}`;
}

/** Member of a gateway's presence index. */
export function presenceMember(tenant: string, device: string): string {
  return `${tenantPart(tenant)}:${devicePart(device)}`;
}

/** The tenant and device of a presence index's member; null when it is none (written by something else). */
export function parsePresenceMember(member: string): { tenant: string; device: string } | null {
  const [tenant = '', device = '', more] = member.split(':');
  return more === undefined && tenantIdPattern.test(tenant) && deviceIdPattern.test(device) ? { tenant, device } : null;
}

export function gatewayKey(gateway: string): string {
  return `gateway:${gatewayPart(gateway)}`;
}

/** What is limited: extend here, so that the kinds stay a known set. */
export type RateKind = 'address' | 'client' | 'tenant' | 'login' | 'device' | 'enrolment';

/** @param id any text (address, client id); encoded, and hashed when long, so that a caller can not make long keys. */
export function rateKey(kind: RateKind, id: string): string {
  return `rate:${kind}:${outsidePart(id)}`;
}

export function stateEpochKey(): string {
  return 'state-epoch';
}

/** News of a tenant's devices: each message is one JSON array of `LiveEvent` (contracts/bus.ts). Best effort. */
export function liveChannel(tenant: string): string {
  return `live:${tenantPart(tenant)}`;
}

/** Says that an identity was revoked, blocked or unblocked: poll the change list now. */
export function identityChangedChannel(): string {
  return 'identity-changed';
}

/**
 * A device type of a tenant changed (the message is `tenant`), or one device is new or has another type
 * (`tenant/device`). Processors read again at once; without it within a minute.
 */
export function deviceTypesChangedChannel(): string {
  return 'device-types-changed';
}

export function deviceTypesChangedMessage(tenant: string, device?: string): string {
  return device === undefined ? tenantPart(tenant) : `${tenantPart(tenant)}/${devicePart(device)}`;
}

/** Commands that have ended, `tenant/id` with commas between: who waits for one, in whichever process, looks. */
export function commandsEndedChannel(): string {
  return 'commands-ended';
}

/** Word to one gateway: devices it holds, a JSON array of `tenant/device`, have config or commands to fetch. */
export function configChannel(gateway: string): string {
  return `config:${gatewayPart(gateway)}`;
}

const gatewayPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

function tenantPart(tenant: string): string {
  return part('tenant', tenant, tenantIdPattern);
}

function devicePart(device: string): string {
  return part('device', device, deviceIdPattern);
}

function gatewayPart(gateway: string): string {
  return part('gateway', gateway, gatewayPattern);
}

function part(what: string, value: string, pattern: RegExp): string {
  if (pattern.test(value)) return value;
  throw new RangeError(`${what} is ${JSON.stringify(value.slice(0, 80))}, allowed in a Redis key is ${pattern.source}`);
}

const longestOutsidePart = 128;

function outsidePart(value: string): string {
  const encoded = Buffer.from(value)
    .toString('latin1')
    .replaceAll(/[^A-Za-z0-9._~@+-]/g, percent);
  return encoded.length <= longestOutsidePart && encoded !== ''
    ? encoded
    : `%sha256-${createHash('sha256').update(value).digest('base64url')}`;
}

function percent(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
