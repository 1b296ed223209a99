import { type Actor, audit } from './audit.ts';
import type { Core } from './database.ts';
import { auditedDevice, type DeviceRow, deviceColumns } from './device-row.ts';
import { recordChange } from './identity-changes.ts';
import { findDevice } from './registry.ts';

/**
 * Blocks or unblocks: device, identity change and audit line in one transaction. Blocking a blocked device changes
 * nothing, its first reason stays.
 * @returns the device, and whether gateways have something new to hear.
 * @throws ProblemError 404
 */
export async function setBlocked(
  core: Core,
  actor: Actor,
  id: string,
  blocked: boolean,
  reason: string,
): Promise<{ row: DeviceRow; changed: boolean }> {
  const status = blocked ? 'blocked' : 'active';
  return await core.transaction(async (tx) => {
    const before = await findDevice(tx, actor.tenant, id, 'for update');
    if (before.status === status) return { row: before, changed: false };
    const [row] = await tx.query<DeviceRow>(
      `update devices set status = $3, blocked_reason = $4, updated_at = now()
       where tenant = $1 and id = $2 returning ${deviceColumns}`,
      [actor.tenant, id, status, blocked ? reason : null],
    );
    if (row === undefined) throw new Error(`device ${id} vanished while it was locked`);
    await audit(tx, actor, blocked ? 'device.block' : 'device.unblock', id, {
      before: auditedDevice(before),
      after: { ...auditedDevice(row), reason },
    });
    await recordChange(tx, {
      tenant: actor.tenant,
      device: id,
      change: blocked ? 'blocked' : 'unblocked',
      serial: null,
    });
    return { row, changed: true };
  });
}
