import type { Device } from '../contracts/http/devices.ts';

/** A row of `devices`, and the columns that make one. */
export type DeviceRow = {
  tenant: string;
  id: string;
  name: string;
  type: string;
  tags: string[];
  status: 'active' | 'blocked';
  blocked_reason: string | null;
  connected: boolean;
  connection_gateway: string | null;
  connection_changed_at: Date | null;
  created_at: Date;
  updated_at: Date;
};
export const deviceColumns =
  'tenant, id, name, type, tags, status, blocked_reason, connected, connection_gateway, connection_changed_at, created_at, updated_at';

export type Connection = Device['connection'];

/** What the registry knows of a connection: the lifecycle events so far, some seconds behind Redis. */
export function connectionOfRow(row: DeviceRow): Connection {
  const changed = row.connection_changed_at?.toISOString() ?? null;
  return {
    connected: row.connected,
    since: row.connected ? changed : null,
    gateway: row.connected ? row.connection_gateway : null,
    lastSeenAt: changed,
  };
}

export function toDevice(row: DeviceRow, connection: Connection): Device {
  return {
    id: row.id,
    tenant: row.tenant,
    name: row.name,
    type: row.type,
    tags: row.tags,
    status: row.status,
    blockedReason: row.blocked_reason,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    connection,
  };
}

/** What of a device an audit line keeps: what people decide, not what the network does. */
export function auditedDevice(row: DeviceRow) {
  const { name, type, tags, status, blocked_reason: blockedReason } = row;
  return { name, type, tags, status, blockedReason };
}
