import { z } from 'zod';
import { DeviceId, DeviceTypeId } from '../identifiers.ts';
import type { Operation } from './operation.ts';

const Name = z
  .string()
  .max(200)
  .regex(/^[^\p{Cc}]*$/u, 'a name has no control characters');
const Tag = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:=-]{0,63}$/, 'a tag has 1 to 64 of: letters, digits, _ . : = -');

/**
 * A device as files of devices have it: a line of NDJSON is this, and the columns of CSV are its fields. What a row does
 * not have stays as it is; a new device gets its id as its name, type `generic`, no tags, and is active.
 */
export const DeviceRecord = z
  .strictObject({
    id: DeviceId,
    name: Name.min(1).optional(),
    type: DeviceTypeId.optional(),
    tags: z.array(Tag).max(32).optional(),
    status: z.enum(['active', 'blocked']).optional(),
    blockedReason: Name.min(1).nullable().optional().meta({ description: 'Why, when the row blocks the device' }),
  })
  .meta({ id: 'DeviceRecord' });
export type DeviceRecord = z.infer<typeof DeviceRecord>;

/** Rows of one call, which are one transaction. */
export const importRows = 500;
export const importResults = ['created', 'updated', 'unchanged', 'conflict', 'invalid'] as const;

const ImportResult = z
  .object({
    items: z.array(
      z.object({
        row: z.int().meta({ description: 'Place in `rows`, from 1' }),
        id: z.string().nullable(),
        result: z.enum(importResults),
        reason: z.string().optional().meta({ description: 'Why nothing was done' }),
      }),
    ),
  })
  .meta({ id: 'DeviceImport' });
export type ImportResult = z.infer<typeof ImportResult>;

export const deviceImportOperations = [
  {
    id: 'importDevices',
    method: 'POST',
    path: '/v1/device-imports',
    service: 'devices',
    scope: 'devices:write',
    tag: 'Devices',
    summary:
      'Register or change many devices in one transaction; every row is answered, and the same rows again change nothing',
    body: z
      .strictObject({
        existing: z
          .enum(['refuse', 'update'])
          .default('refuse')
          .meta({ description: 'A device that is there with other values is a conflict, or is changed' }),
        rows: z
          .array(z.record(z.string(), z.unknown()))
          .min(1)
          .max(importRows)
          .meta({ description: 'Each a DeviceRecord; one that is none is answered `invalid`, and the others go on' }),
      })
      .meta({ id: 'ImportDevicesRequest' }),
    bodyBytes: 1_048_576,
    success: { status: 200, body: ImportResult },
    problems: [409, 422],
  },
] as const satisfies readonly Operation[];
