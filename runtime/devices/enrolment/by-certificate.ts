import { X509Certificate } from 'node:crypto';
import type { IssuedCertificate } from '../../contracts/http/devices.ts';
import { problem } from '../../platform/http/problem.ts';
import {
  factorySerial,
  type Identity,
  identify,
  identifyFactory,
  signerOf,
} from '../../platform/tls/device-certificate.ts';
import { type Actor, audit } from '../audit.ts';
import { allowSubject } from '../authority/csr.ts';
import { checkedRequest, type Issuance, recordCertificate, refusingRequest, signRequest } from '../certificates.ts';
import type { Core, Tx } from '../database.ts';
import { recordChange } from '../identity-changes.ts';
import { findDevice, insertDevice, refusing } from '../registry.ts';
import { authoritiesInForce, type InForce } from './factory-authorities.ts';

/** A device that shows a certificate whose key it holds: TLS has proved that, nothing else of it is believed. */
export type Presented = {
  /** PEM. */
  certificate: string;
  /** PKCS #10 in PEM; without it the device is registered and gets no certificate. */
  csr?: string | undefined;
  /** Only who has a certificate of ours already (EST's simplereenroll). */
  renew: boolean;
};
export type Admitted = { identity: Identity; issued: IssuedCertificate | undefined; registered: boolean };

/**
 * Lets a device in by the certificate that it shows: ours, to get a new one beside it, or one of a factory CA in force,
 * which registers the device the first time.
 * @throws ProblemError 404 (not known here), 409 (blocked, revoked, taken), 422 (request refused)
 */
export async function enrolByCertificate(
  core: Core,
  issuance: Issuance,
  trace: string,
  { certificate, csr, renew }: Presented,
): Promise<Admitted> {
  const leaf = parsed(certificate);
  const request = csr === undefined ? undefined : await checkedRequest(csr);
  const ours = (await issuance.issuer.trusted()).map((pem) => ({ certificate: new X509Certificate(pem) }));
  const mine = signerOf(leaf, ours) !== undefined;
  const factory = mine || renew ? undefined : signerOf(leaf, await authoritiesInForce(core));
  if (!mine && factory === undefined) throw unknown('no CA that is trusted here signed it');
  const identity =
    factory === undefined ? identify(leaf, issuance.clock()) : factoryIdentity(leaf, factory, issuance.clock());
  if ('refused' in identity) throw unknown(identity.refused);
  const { tenant, device } = identity;
  if (request !== undefined) refusingRequest(() => allowSubject(request.subject, tenant, device));
  const actor: Actor = { tenant, subject: `certificate:${identity.serial}`, trace };
  return await core.transaction(async (tx) => {
    const registered = factory !== undefined && (await register(tx, actor, leaf, identity, factory));
    await requireGood(tx, identity, leaf);
    const issued = request === undefined ? undefined : await signRequest(tx, issuance, actor, device, request);
    return { identity, issued, registered };
  });
}

function parsed(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw problem(422, 'Certificate refused', 'the text is no X.509 certificate in PEM', { cause: error });
  }
}

const unknown = (why: string) => problem(404, 'Certificate not known', `the certificate is refused: ${why}`);

function factoryIdentity(leaf: X509Certificate, { row, certificate }: InForce, now: number) {
  const rule = { tenant: row.tenant, id: row.id, devicePrefix: row.device_prefix, certificate };
  return identifyFactory(leaf, rule, now);
}

/**
 * Registers a maker's certificate the first time that it is seen: with it the device, unless that exists and the CA may
 * take it over. @returns whether the device is new. @throws ProblemError 409
 */
async function register(tx: Tx, actor: Actor, leaf: X509Certificate, identity: Identity, { row }: InForce) {
  const { tenant, device } = identity;
  // Held to the end: a CA that is disabled meanwhile waits, and then ends this device's sessions too.
  const [held] = await tx.query(
    "select 1 from factory_authorities where tenant = $1 and id = $2 and status = 'active' for share",
    [tenant, row.id],
  );
  if (held === undefined) throw unknown('its factory CA is not in force any more');
  const made = await refusing(tenant, row.type, () =>
    insertDevice(tx, actor, { id: device, type: row.type, tags: row.tags }),
  );
  // Two first connections of one device at the same time: the second waits here for the first.
  await findDevice(tx, tenant, device, 'for update');
  const serial = factorySerial(leaf);
  const [known] = await tx.query('select 1 from certificates where tenant = $1 and serial = $2', [tenant, serial]);
  if (known !== undefined) return false;
  if (made === undefined && !row.take_over)
    throw problem(
      409,
      'Device exists',
      `device '${device}' is registered already, and factory CA '${row.name}' may not take devices over`,
    );
  const certificate = await recordCertificate(tx, {
    tenant,
    device,
    serial,
    fingerprint256: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    notBefore: leaf.validFromDate,
    notAfter: leaf.validToDate,
    factoryAuthority: row.id,
  });
  await audit(tx, actor, 'certificate.register', `${device}/${serial}`, {
    after: { ...certificate, factoryAuthority: row.id },
  });
  await recordChange(tx, { tenant, device, change: 'factory-certificate', serial, data: { authority: row.id } });
  return made !== undefined;
}

/** The certificate is in the registry and not revoked, its device not blocked. @throws ProblemError 404, 409 */
async function requireGood(tx: Tx, { tenant, device, serial }: Identity, leaf: X509Certificate): Promise<void> {
  const { status } = await findDevice(tx, tenant, device, 'for share');
  if (status === 'blocked') throw problem(409, 'Device blocked', `device '${device}' is blocked; unblock it first`);
  const [row] = await tx.query<{ revoked: boolean }>(
    `select revoked_at is not null as revoked from certificates
     where tenant = $1 and serial = $2 and device_id = $3 and fingerprint256 = $4`,
    [tenant, serial, device, leaf.fingerprint256.replaceAll(':', '').toLowerCase()],
  );
  if (row === undefined) throw unknown('it is not in the registry');
  if (row.revoked) throw problem(409, 'Certificate revoked', `the certificate of device '${device}' is revoked`);
}
