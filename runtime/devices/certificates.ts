import { z } from 'zod';
import type { KeyKind } from '../contracts/device-type.ts';
import type { Certificate, IssuedCertificate } from '../contracts/http/devices.ts';
import { decodeCursor, MicroTime, microTime, toPage } from '../platform/http/cursor.ts';
import { problem } from '../platform/http/problem.ts';
import { type Actor, audit } from './audit.ts';
import { allowKind, type CheckedRequest, CsrRefused, checkRequest } from './authority/csr.ts';
import { type Clock, leafValidity, newSerial, type Random } from './authority/issuance.ts';
import type { Issuer } from './authority/issuer.ts';
import type { Core, Tx } from './database.ts';
import { recordChange } from './identity-changes.ts';
import { findDevice } from './registry.ts';

/** Certificates of one device that are neither revoked nor over; far beyond any rotation. */
const mostActive = 64;

type Row = {
  serial: string;
  device_id: string;
  fingerprint256: string;
  not_before: Date;
  not_after: Date;
  revoked_at: Date | null;
  revoked_reason: string | null;
  created: string;
};
const columns = `serial, device_id, fingerprint256, not_before, not_after, revoked_at, revoked_reason, ${microTime('created_at')} as created`;
const Place = z.strictObject({ at: MicroTime, serial: z.string().regex(/^[0-9a-f]{2,40}$/) });

export type Issuance = { issuer: Issuer; days: number; clock: Clock; random: Random };

/**
 * Signs a request for a device that is registered and not blocked. The row is there before the certificate leaves: no
 * certificate is out that could not be revoked.
 * @throws ProblemError 404, 409 (blocked, too many), 422 (request refused)
 */
export async function issueCertificate(
  core: Core,
  issuance: Issuance,
  actor: Actor,
  device: string,
  csr: string,
): Promise<IssuedCertificate> {
  const request = await checkedRequest(csr);
  return await core.transaction((tx) => signRequest(tx, issuance, actor, device, request));
}

/** The same inside a transaction that does more, for a request that was checked (`checkedRequest`). @throws ProblemError */
export async function signRequest(
  tx: Tx,
  { issuer, days, clock, random }: Issuance,
  actor: Actor,
  device: string,
  { publicKey, kind }: Pick<CheckedRequest, 'publicKey' | 'kind'>,
): Promise<IssuedCertificate> {
  const { tenant } = actor;
  // Shared lock: a block that comes meanwhile waits, and then ends this certificate's sessions too.
  const { status, blocked_reason: reason, type } = await findDevice(tx, tenant, device, 'for share');
  if (status === 'blocked')
    throw problem(409, 'Device blocked', `device '${device}' is blocked (${reason ?? 'no reason'}); unblock it first`);
  const policy = await policyOf(tx, tenant, type);
  refusingRequest(() => allowKind(kind, policy.keys));
  const [active] = await tx.query<{ count: string }>(
    `select count(*) from certificates
     where tenant = $1 and device_id = $2 and revoked_at is null and not_after > now()`,
    [tenant, device],
  );
  if (Number(active?.count ?? 0) >= mostActive)
    throw problem(409, 'Too many certificates', `device '${device}' has ${mostActive} valid ones; revoke some first`);
  const serial = newSerial(random);
  const plan = { tenant, device, serial, publicKey, ...leafValidity(policy.days ?? days, clock(), issuer.notAfter) };
  const issued = await issuer.issue(plan).catch(authorityAway);
  const certificate = await recordCertificate(tx, { tenant, device, ...issued, factoryAuthority: null });
  await audit(tx, actor, 'certificate.issue', `${device}/${issued.serial}`, { after: certificate });
  return { ...certificate, certificate: issued.certificate, chain: issued.chain, ca: issued.trust };
}

/** A row for a certificate that is good from now on, whoever signed it. */
export async function recordCertificate(
  tx: Tx,
  row: {
    tenant: string;
    device: string;
    serial: string;
    fingerprint256: string;
    notBefore: Date;
    notAfter: Date;
    factoryAuthority: string | null;
  },
): Promise<Certificate> {
  const [made] = await tx.query<Row>(
    `insert into certificates (tenant, serial, device_id, fingerprint256, not_before, not_after, factory_authority)
     values ($1, $2, $3, $4, $5, $6, $7) returning ${columns}`,
    [row.tenant, row.serial, row.device, row.fingerprint256, row.notBefore, row.notAfter, row.factoryAuthority],
  );
  if (made === undefined) throw new Error('a certificate was not recorded');
  return toCertificate(made);
}

/** What the device's type says of certificates; what it does not say is the platform's. */
async function policyOf(tx: Tx, tenant: string, type: string): Promise<{ days?: number; keys: readonly KeyKind[] }> {
  const [row] = await tx.query<{ policy: { days?: number; keys: KeyKind[] } | null }>(
    "select definition -> 'certificates' as policy from device_types where tenant = $1 and id = $2",
    [tenant, type],
  );
  return row?.policy ?? { keys: ['P-256'] };
}

/** Named as what it is: an authority in the cloud that does not answer says nothing about the core database. */
function authorityAway(cause: unknown): never {
  throw problem(503, 'Authority away', 'the certificate authority did not answer; try again', {
    retryAfterSeconds: 5,
    cause,
  });
}

/** A request that proves its key. @throws ProblemError 422 */
export async function checkedRequest(csr: string): Promise<CheckedRequest> {
  return await checkRequest(csr).catch(requestRefused);
}

/** Runs a check of a request. @throws ProblemError 422 */
export function refusingRequest(check: () => void): void {
  try {
    check();
  } catch (error) {
    requestRefused(error);
  }
}

function requestRefused(error: unknown): never {
  if (!(error instanceof CsrRefused)) throw error;
  throw problem(422, 'Certificate request refused', error.message, {
    errors: [{ field: 'body.csr', message: error.message }],
    cause: error,
  });
}

/** Newest first. @throws ProblemError 404, 400 for a foreign cursor */
export async function listCertificates(
  core: Core,
  tenant: string,
  device: string,
  page: { cursor?: string | undefined; limit: number },
) {
  const place = decodeCursor(Place, page.cursor);
  await findDevice(core, tenant, device);
  const values: unknown[] = [tenant, device, page.limit + 1];
  if (place !== undefined) values.push(place.at, place.serial);
  const rows = await core.query<Row>(
    `select ${columns} from certificates where tenant = $1 and device_id = $2
     ${place === undefined ? '' : 'and (created_at, serial) < ($4::timestamptz, $5)'}
     order by created_at desc, serial desc limit $3`,
    values,
  );
  return toPage(rows, page.limit, toCertificate, (row) => ({ at: row.created, serial: row.serial }));
}

/**
 * Revokes: certificate, identity change and audit line in one transaction. A revoked one stays as it is.
 * @throws ProblemError 404
 */
export async function revokeCertificate(
  core: Core,
  actor: Actor,
  device: string,
  serial: string,
  reason: string,
): Promise<{ certificate: Certificate; changed: boolean }> {
  return await core.transaction(async (tx) => {
    const [before] = await tx.query<Row>(
      `select ${columns} from certificates where tenant = $1 and serial = $2 and device_id = $3 for update`,
      [actor.tenant, serial, device],
    );
    if (before === undefined)
      throw problem(404, 'No such certificate', `device '${device}' has no certificate with serial '${serial}'`);
    if (before.revoked_at !== null) return { certificate: toCertificate(before), changed: false };
    const [row] = await tx.query<Row>(
      `update certificates set revoked_at = now(), revoked_reason = $3
       where tenant = $1 and serial = $2 returning ${columns}`,
      [actor.tenant, serial, reason],
    );
    if (row === undefined) throw new Error(`certificate ${serial} vanished while it was locked`);
    const certificate = toCertificate(row);
    await audit(tx, actor, 'certificate.revoke', `${device}/${serial}`, {
      before: toCertificate(before),
      after: certificate,
    });
    await recordChange(tx, { tenant: actor.tenant, device, change: 'certificate-revoked', serial });
    return { certificate, changed: true };
  });
}

function toCertificate(row: Row): Certificate {
  return {
    serial: row.serial,
    device: row.device_id,
    notBefore: row.not_before.toISOString(),
    notAfter: row.not_after.toISOString(),
    status: row.revoked_at === null ? 'active' : 'revoked',
    revokedAt: row.revoked_at?.toISOString() ?? null,
    revokedReason: row.revoked_reason,
    fingerprint256: row.fingerprint256,
  };
}
