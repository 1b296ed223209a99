import { createHash } from 'node:crypto';
import { plainClaimCode } from '../../contracts/claim-code.ts';
import type { IssuedCertificate } from '../../contracts/http/devices.ts';
import type { ClaimRequest } from '../../contracts/http/enrolment.ts';
import { problem } from '../../platform/http/problem.ts';
import { type Actor, audit } from '../audit.ts';
import { allowSubject, type CheckedRequest } from '../authority/csr.ts';
import { checkedRequest, type Issuance, refusingRequest, signRequest } from '../certificates.ts';
import type { Core, Tx } from '../database.ts';
import { findDevice, insertDevice, refusing } from '../registry.ts';
import type { ClaimKey } from './claim-key.ts';
import { deviceOf } from './device-request.ts';

/** A device that lost the answer, by a power cut say, asks again with the same code and key for so long. */
export const repeatHours = 24;

type Row = {
  tenant: string;
  id: string;
  type: string;
  device_id: string | null;
  device_prefix: string | null;
  tags: string[];
  revoked: boolean;
  expired: boolean;
  used_by: string | null;
  used_key_hash: Buffer | null;
  repeatable: boolean;
  answer: IssuedCertificate | null;
};

/**
 * Trades a claim code for a certificate: the code is used up, the device registered, its certificate issued, or none of
 * it. The code's row is locked first, so that of two that come at once with one code the second sees it used.
 * @param asked validated; the code as it was typed
 * @returns the certificate, and whether a device was registered for it
 * @throws ProblemError 404 unknown code, 409 used, over or revoked code, 422 refused request
 */
export async function redeemClaimCode(
  core: Core,
  { key, issuance }: { key: ClaimKey; issuance: Issuance },
  trace: string,
  { code, csr, device: wanted }: ClaimRequest,
): Promise<{ issued: IssuedCertificate; tenant: string; registered: boolean }> {
  // Before the code is looked at: who has none learns from a malformed request nothing of codes.
  const request = await checkedRequest(csr);
  const hash = key.hash(plainClaimCode(code) ?? '');
  return await core.transaction(async (tx) => {
    const [row] = await tx.query<Row>(
      `select tenant, id, type, device_id, device_prefix, tags, revoked_at is not null as revoked,
         expires_at <= now() as expired, used_by, used_key_hash,
         coalesce(used_at > now() - make_interval(hours => $2), false) as repeatable, answer
       from claim_codes where code_hash = $1 for update`,
      [hash, repeatHours],
    );
    if (row === undefined)
      throw problem(404, 'No such claim code', 'the claim code is not known here; compare it with what you were given');
    const { tenant } = row;
    const keyHash = createHash('sha256').update(request.publicKey).digest();
    if (row.used_by !== null) return { issued: await again(tx, row, keyHash), tenant, registered: false };
    if (row.revoked) throw over('was revoked');
    if (row.expired) throw over('has expired');
    const actor: Actor = { tenant, subject: `claim-code:${row.id}`, trace };
    const { device, registered } = await deviceFor(tx, actor, row, wanted, request);
    refusingRequest(() => allowSubject(request.subject, tenant, device));
    const issued = await signRequest(tx, issuance, actor, device, request);
    const used = await tx.query(
      `update claim_codes set used_at = now(), used_by = $3, used_key_hash = $4, answer = $5
       where tenant = $1 and id = $2 and used_at is null returning 1`,
      [tenant, row.id, device, keyHash, JSON.stringify(issued)],
    );
    if (used.length !== 1) throw new Error(`claim code ${row.id} was used while it was locked`);
    await audit(tx, actor, 'claim-code.use', row.id, { after: { device, serial: issued.serial } });
    return { issued, tenant, registered };
  });
}

const over = (why: string) => problem(409, 'Claim code over', `the claim code ${why}; ask for another one`);

/** The device that the code stands for, registered now unless the code names one that is. */
async function deviceFor(tx: Tx, actor: Actor, row: Row, wanted: string | undefined, request: CheckedRequest) {
  const rule = { id: row.id, type: row.type, device: row.device_id, prefix: row.device_prefix };
  const decided = deviceOf(rule, wanted ?? request.subject['CN']?.[0]);
  if ('refused' in decided)
    throw problem(422, 'Device refused', decided.refused, {
      errors: [{ field: 'body.device', message: decided.refused }],
    });
  const { device, existing } = decided;
  const made = await refusing(row.tenant, row.type, () =>
    insertDevice(tx, actor, { id: device, type: row.type, tags: row.tags }),
  );
  if (made === undefined && !existing)
    throw problem(
      409,
      'Device exists',
      `device '${device}' is registered already; another id, or a claim code made for this very device`,
    );
  return { device, registered: made !== undefined };
}

/** The answer of before, for who has the same key. */
async function again(tx: Tx, row: Row, keyHash: Buffer): Promise<IssuedCertificate> {
  const { answer } = row;
  if (answer === null || !row.repeatable || row.used_key_hash?.equals(keyHash) !== true)
    throw problem(
      409,
      'Claim code used',
      'the claim code was used by another key, or too long ago; ask for another one',
    );
  const { status } = await findDevice(tx, row.tenant, answer.device, 'for share');
  const [certificate] = await tx.query<{ revoked: boolean }>(
    'select revoked_at is not null as revoked from certificates where tenant = $1 and serial = $2',
    [row.tenant, answer.serial],
  );
  if (status === 'blocked' || certificate?.revoked !== false)
    throw problem(409, 'Claim code used', `device '${answer.device}' was blocked or its certificate revoked since`);
  return answer;
}
