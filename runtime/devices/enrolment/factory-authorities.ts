import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import type { FactoryAuthority, NewFactoryAuthority } from '../../contracts/http/enrolment.ts';
import type { FactoryAuthorityData } from '../../contracts/identity.ts';
import { decodeCursor, toPage } from '../../platform/http/cursor.ts';
import { problem } from '../../platform/http/problem.ts';
import { type Actor, audit } from '../audit.ts';
import { authorityIdOf, checkFactory, FactoryRefused, oneCertificate, provesFactory } from '../authority/factory.ts';
import type { Clock, Random } from '../authority/issuance.ts';
import type { Issuer } from '../authority/issuer.ts';
import type { Core, Tx } from '../database.ts';
import { recordChange } from '../identity-changes.ts';
import { distinct, refusing } from '../registry.ts';

/** Every gateway holds all that are in force in memory, and a handshake may look at each. */
const mostInForce = 256;
const mostOfTenant = 16;
/** Any number that no other advisory lock of the core database uses: 'fact' in ASCII. Names are compared under it. */
const activationLock = 0x66_61_63_74;

type Row = {
  tenant: string;
  id: string;
  name: string;
  certificate: string;
  status: FactoryAuthority['status'];
  challenge: string;
  type: string;
  tags: string[];
  device_prefix: string;
  take_over: boolean;
  not_after: Date;
  created_at: Date;
  updated_at: Date;
};
const columns =
  'tenant, id, name, certificate, status, challenge, type, tags, device_prefix, take_over, not_after, created_at, updated_at';
const Place = z.strictObject({ id: z.string().regex(/^[0-9a-f]{40}$/) });

/** A factory CA in force. */
export type InForce = { row: Row; certificate: X509Certificate };

/** Adds a CA, or replaces one that is not in force (its certificate was renewed, say). @throws ProblemError 409, 422 */
export async function addFactoryAuthority(
  core: Core,
  { random, clock }: { random: Random; clock: Clock },
  actor: Actor,
  wanted: NewFactoryAuthority,
): Promise<FactoryAuthority> {
  const certificate = refusingFactory(() => oneCertificate(wanted.certificate));
  refusingFactory(() => checkFactory(certificate, [], clock()));
  return await refusing(actor.tenant, wanted.type, () =>
    core.transaction(async (tx) => {
      const [have] = await tx.query<{ count: string }>('select count(*) from factory_authorities where tenant = $1', [
        actor.tenant,
      ]);
      if (Number(have?.count ?? 0) >= mostOfTenant)
        throw problem(409, 'Too many factory CAs', `tenant '${actor.tenant}' has ${mostOfTenant}, no more are allowed`);
      const id = authorityIdOf(certificate);
      const [row] = await tx.query<Row>(
        `insert into factory_authorities
           (tenant, id, name, certificate, status, challenge, type, tags, device_prefix, take_over, not_after)
         values ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10)
         on conflict (tenant, id) do update set name = excluded.name, certificate = excluded.certificate,
           status = 'pending', challenge = excluded.challenge, type = excluded.type, tags = excluded.tags,
           device_prefix = excluded.device_prefix, take_over = excluded.take_over, not_after = excluded.not_after,
           updated_at = now() where factory_authorities.status <> 'active'
         returning ${columns}`,
        [
          actor.tenant,
          id,
          wanted.name,
          certificate.toString(),
          `iot-factory-${Buffer.from(random(16)).toString('hex')}`,
          wanted.type,
          distinct(wanted.tags),
          wanted.devicePrefix,
          wanted.takeOver,
          certificate.validToDate,
        ],
      );
      if (row === undefined)
        throw problem(409, 'Factory CA in force', `factory CA '${id}' is active; disable it before you replace it`);
      await audit(tx, actor, 'factory-authority.add', id, { after: toFactoryAuthority(row) });
      return toFactoryAuthority(row);
    }),
  );
}

export async function listFactoryAuthorities(
  core: Core,
  tenant: string,
  { cursor, limit }: { cursor?: string | undefined; limit: number },
) {
  const after = decodeCursor(Place, cursor)?.id ?? '';
  const rows = await core.query<Row>(
    `select ${columns} from factory_authorities where tenant = $1 and id > $2 order by id limit $3`,
    [tenant, after, limit + 1],
  );
  return toPage(rows, limit, toFactoryAuthority, ({ id }) => ({ id }));
}

/**
 * Trusts a CA. Who has no proof that the tenant holds its key must be an admin.
 * @throws ProblemError 404, 409 (another tenant's, too many), 422 (proof or certificate refused)
 */
export async function activateFactoryAuthority(
  core: Core,
  { issuer, clock }: { issuer: Issuer; clock: Clock },
  actor: Actor,
  id: string,
  { proof, admin }: { proof: string | undefined; admin: boolean },
): Promise<{ authority: FactoryAuthority; changed: boolean }> {
  const ours = (await issuer.trusted()).map((pem) => new X509Certificate(pem));
  return await core.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1)', [activationLock]);
    const before = await locked(tx, actor.tenant, id);
    if (before.status === 'active') return { authority: toFactoryAuthority(before), changed: false };
    const certificate = new X509Certificate(before.certificate);
    if (
      proof === undefined
        ? !admin
        : !provesFactory(
            certificate,
            before.challenge,
            refusingFactory(() => oneCertificate(proof)),
          )
    )
      throw problem(
        422,
        'Not proved',
        `the proof must be a certificate whose CN is '${before.challenge}', signed by this CA; who has the scope admin needs none`,
        { errors: [{ field: 'body.proof', message: 'is missing, or not signed by this CA for its challenge' }] },
      );
    const inForce = await authoritiesInForce(tx);
    if (inForce.length >= mostInForce)
      throw problem(409, 'Too many factory CAs', `the platform has ${mostInForce} in force, no more are allowed`);
    const known = [...ours, ...inForce.map((each) => each.certificate)];
    refusingFactory(() => checkFactory(certificate, known, clock()));
    return { authority: await setStatus(tx, actor, before, 'active', undefined), changed: true };
  });
}

/** @throws ProblemError 404 */
export async function disableFactoryAuthority(
  core: Core,
  actor: Actor,
  id: string,
  reason: string,
): Promise<{ authority: FactoryAuthority; changed: boolean }> {
  return await core.transaction(async (tx) => {
    const before = await locked(tx, actor.tenant, id);
    if (before.status === 'disabled') return { authority: toFactoryAuthority(before), changed: false };
    return { authority: await setStatus(tx, actor, before, 'disabled', reason), changed: before.status === 'active' };
  });
}

/** All factory CAs in force, of all tenants. */
export async function authoritiesInForce(core: Core | Tx): Promise<InForce[]> {
  const rows = await core.query<Row>(
    `select ${columns} from factory_authorities where status = 'active' and not_after > now() order by id limit $1`,
    [mostInForce],
  );
  return rows.map((row) => ({ row, certificate: new X509Certificate(row.certificate) }));
}

async function locked(tx: Tx, tenant: string, id: string): Promise<Row> {
  const [row] = await tx.query<Row>(
    `select ${columns} from factory_authorities where tenant = $1 and id = $2 for update`,
    [tenant, id],
  );
  if (row === undefined) throw problem(404, 'No such factory CA', `there is no factory CA '${id}'`);
  return row;
}

async function setStatus(
  tx: Tx,
  actor: Actor,
  before: Row,
  status: FactoryAuthorityData['status'],
  reason: string | undefined,
): Promise<FactoryAuthority> {
  const [row] = await tx.query<Row>(
    `update factory_authorities set status = $3, updated_at = now() where tenant = $1 and id = $2 returning ${columns}`,
    [actor.tenant, before.id, status],
  );
  if (row === undefined) throw new Error(`factory CA ${before.id} vanished while it was locked`);
  const action = status === 'active' ? 'factory-authority.activate' : 'factory-authority.disable';
  await audit(tx, actor, action, row.id, {
    before: toFactoryAuthority(before),
    after: { ...toFactoryAuthority(row), ...(reason === undefined ? {} : { reason }) },
  });
  const data: FactoryAuthorityData = { status, certificate: row.certificate, devicePrefix: row.device_prefix };
  await recordChange(tx, { tenant: row.tenant, device: '', change: 'factory-authority', serial: row.id, data });
  return toFactoryAuthority(row);
}

function refusingFactory<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof FactoryRefused)) throw error;
    throw problem(422, 'Factory CA refused', error.message, {
      errors: [{ field: 'body.certificate', message: error.message }],
      cause: error,
    });
  }
}

function toFactoryAuthority(row: Row): FactoryAuthority {
  return {
    id: row.id,
    name: row.name,
    subject: new X509Certificate(row.certificate).subject.replaceAll('\n', ', '),
    status: row.status,
    challenge: row.status === 'pending' ? row.challenge : null,
    type: row.type,
    tags: row.tags,
    devicePrefix: row.device_prefix,
    takeOver: row.take_over,
    notAfter: row.not_after.toISOString(),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
