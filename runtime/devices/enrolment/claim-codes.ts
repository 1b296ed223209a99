import { z } from 'zod';
import { newClaimCode, plainClaimCode } from '../../contracts/claim-code.ts';
import type { ClaimCode, claimCodeStatuses, MintedClaimCodes, NewClaimCodes } from '../../contracts/http/enrolment.ts';
import { decodeCursor, MicroTime, microTime, toPage } from '../../platform/http/cursor.ts';
import { problem } from '../../platform/http/problem.ts';
import { type Actor, audit } from '../audit.ts';
import type { Random } from '../authority/issuance.ts';
import type { Core } from '../database.ts';
import { distinct, refusing } from '../registry.ts';
import type { ClaimKey } from './claim-key.ts';

/** Codes of a tenant that could still be used; what a lost list of them can do is bounded by it. */
const mostOpen = 100_000;

type Status = (typeof claimCodeStatuses)[number];
type Row = {
  id: string;
  type: string;
  device_id: string | null;
  device_prefix: string | null;
  tags: string[];
  status: Status;
  created_at: Date;
  created_by: string;
  expires_at: Date;
  used_at: Date | null;
  used_by: string | null;
  created: string;
};
const statusSql = `case when revoked_at is not null then 'revoked' when used_at is not null then 'used'
  when expires_at <= now() then 'expired' else 'open' end`;
const columns = `id, type, device_id, device_prefix, tags, ${statusSql} as status, created_at, created_by, expires_at,
  used_at, used_by, ${microTime('created_at')} as created`;
const Place = z.strictObject({ at: MicroTime, id: z.string().regex(/^[0-9a-f]{16}$/) });

/** Makes codes in one statement. They leave in this answer and are nowhere else. @throws ProblemError 409, 422 */
export async function createClaimCodes(
  core: Core,
  { key, random }: { key: ClaimKey; random: Random },
  actor: Actor,
  wanted: NewClaimCodes,
): Promise<MintedClaimCodes> {
  const { count, device, prefix, type } = wanted;
  if (device !== undefined && (count > 1 || prefix !== undefined))
    throw problem(
      422,
      'Claim codes refused',
      'a code for one device has no prefix, and is one: leave out `prefix` and `count`',
      {
        errors: [{ field: 'body.device', message: 'goes with count 1 and without prefix only' }],
      },
    );
  const made = Array.from({ length: count }, () => {
    const code = newClaimCode(random(20));
    return { id: Buffer.from(random(8)).toString('hex'), code, hash: key.hash(plainClaimCode(code) ?? '') };
  });
  return await refusing(actor.tenant, type, () =>
    core.transaction(async (tx) => {
      const [open] = await tx.query<{ count: string }>(
        `select count(*) from claim_codes where tenant = $1 and ${statusSql} = 'open'`,
        [actor.tenant],
      );
      if (Number(open?.count ?? 0) + count > mostOpen)
        throw problem(
          409,
          'Too many claim codes',
          `tenant '${actor.tenant}' may have ${mostOpen} open ones; revoke some`,
        );
      const rows = await tx.query<Row>(
        `insert into claim_codes (tenant, id, code_hash, type, device_id, device_prefix, tags, created_by, expires_at)
         select $1, id, hash, $4, $5, $6, $7, $8, now() + make_interval(hours => $9)
         from unnest($2::text[], $3::bytea[]) as made (id, hash) returning ${columns}`,
        [
          actor.tenant,
          made.map(({ id }) => id),
          made.map(({ hash }) => hash),
          type,
          device ?? null,
          prefix ?? null,
          distinct(wanted.tags),
          actor.subject,
          wanted.expiresInHours,
        ],
      );
      const codes = new Map(made.map(({ id, code }) => [id, code]));
      const items = rows.map((row) => ({ ...toClaimCode(row), code: codes.get(row.id) ?? '' }));
      await audit(tx, actor, 'claim-code.create', items.length === 1 ? (items[0]?.id ?? '') : `${count} codes`, {
        after: {
          ids: items.map(({ id }) => id),
          type,
          device,
          prefix,
          tags: wanted.tags,
          hours: wanted.expiresInHours,
        },
      });
      return { items };
    }),
  );
}

/** Newest first. @throws ProblemError 400 for a foreign cursor */
export async function listClaimCodes(
  core: Core,
  tenant: string,
  { status, cursor, limit }: { status?: Status | undefined; cursor?: string | undefined; limit: number },
) {
  const place = decodeCursor(Place, cursor);
  const values: unknown[] = [tenant, limit + 1];
  let where = 'tenant = $1';
  if (place !== undefined) {
    values.push(place.at, place.id);
    where += ' and (created_at, id) < ($3::timestamptz, $4)';
  }
  if (status !== undefined) {
    values.push(status);
    where += ` and ${statusSql} = $${values.length}`;
  }
  const rows = await core.query<Row>(
    `select ${columns} from claim_codes where ${where} order by created_at desc, id desc limit $2`,
    values,
  );
  return toPage(rows, limit, toClaimCode, (row) => ({ at: row.created, id: row.id }));
}

/** A code that is revoked or used stays as it is. @throws ProblemError 404 */
export async function revokeClaimCode(core: Core, actor: Actor, id: string, reason: string): Promise<ClaimCode> {
  return await core.transaction(async (tx) => {
    const [before] = await tx.query<Row>(
      `select ${columns} from claim_codes where tenant = $1 and id = $2 for update`,
      [actor.tenant, id],
    );
    if (before === undefined) throw problem(404, 'No such claim code', `there is no claim code '${id}'`);
    if (before.status === 'revoked' || before.status === 'used') return toClaimCode(before);
    const [row] = await tx.query<Row>(
      `update claim_codes set revoked_at = now() where tenant = $1 and id = $2 returning ${columns}`,
      [actor.tenant, id],
    );
    if (row === undefined) throw new Error(`claim code ${id} vanished while it was locked`);
    await audit(tx, actor, 'claim-code.revoke', id, {
      before: toClaimCode(before),
      after: { ...toClaimCode(row), reason },
    });
    return toClaimCode(row);
  });
}

function toClaimCode(row: Row): ClaimCode {
  return {
    id: row.id,
    type: row.type,
    device: row.device_id,
    prefix: row.device_prefix,
    tags: row.tags,
    status: row.status,
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    expiresAt: row.expires_at.toISOString(),
    usedAt: row.used_at?.toISOString() ?? null,
    usedBy: row.used_by,
  };
}
