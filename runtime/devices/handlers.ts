import { z } from 'zod';
import type { accessOperations } from '../contracts/http/access.ts';
import type { deviceOperations } from '../contracts/http/devices.ts';
import { Csr, type enrolmentOperations } from '../contracts/http/enrolment.ts';
import {
  type DeviceTrust,
  deviceTrustPath,
  enrolByCertificatePath,
  identityChangeKinds,
  identityChangesPath,
  identityFormat,
  identityFormatHeader,
  TenantUsageReport,
  tenantUsagePath,
} from '../contracts/http/index.ts';
import type { Cache } from '../platform/cache/cache.ts';
import { toCacheError } from '../platform/cache/errors.ts';
import {
  deviceTypesChangedChannel,
  deviceTypesChangedMessage,
  identityChangedChannel,
} from '../platform/cache/keys.ts';
import { problem } from '../platform/http/problem.ts';
import type { AskedBy, Handlers, InternalRoute } from '../platform/http/serve.ts';
import type { Log } from '../platform/service/log.ts';
import { getAccess, putAccess } from './access/access.ts';
import { addKey, listKeys, removeKey } from './access/keys.ts';
import { actorOf } from './audit.ts';
import { setBlocked } from './blocking.ts';
import { type Issuance, issueCertificate, listCertificates, revokeCertificate } from './certificates.ts';
import type { Core } from './database.ts';
import type { DeviceRow } from './device-row.ts';
import { getDeviceType, listDeviceTypes, putDeviceType } from './device-types.ts';
import { enrolByCertificate } from './enrolment/by-certificate.ts';
import { createClaimCodes, listClaimCodes, revokeClaimCode } from './enrolment/claim-codes.ts';
import type { ClaimKey } from './enrolment/claim-key.ts';
import {
  activateFactoryAuthority,
  addFactoryAuthority,
  disableFactoryAuthority,
  listFactoryAuthorities,
} from './enrolment/factory-authorities.ts';
import { redeemClaimCode } from './enrolment/redeem.ts';
import { changesAfter } from './identity-changes.ts';
import { importDevices } from './import.ts';
import { withConnections } from './presence.ts';
import { countDevices, createDevice, findDevice, listDevices, updateDevice } from './registry.ts';
import { reportUsage } from './tenant-usage.ts';

export type Deps = {
  core: Core;
  cache: Cache;
  issuance: Issuance;
  /** Undefined where the settings name no key: there are no claim codes then. */
  claimKey: ClaimKey | undefined;
  clock: () => number;
};

/** Parts named in `degraded` of answers. */
const withoutCache = { degraded: { parts: ['cache'] } };

export function deviceHandlers(
  deps: Deps,
): Handlers<typeof deviceOperations> & Handlers<typeof enrolmentOperations> & Handlers<typeof accessOperations> {
  const { core, cache, issuance, clock } = deps;
  const one = async (row: DeviceRow, log: Log) => {
    const { devices, fromCache } = await withConnections(cache, [row], clock(), log);
    const [device] = devices;
    if (device === undefined) throw new Error(`device ${row.id} got no connection`);
    return fromCache ? device : { ...device, ...withoutCache };
  };
  const block = async (blocked: boolean, asked: AskedBy, id: string, reason: string) => {
    const { row, changed } = await setBlocked(core, actorOf(asked), id, blocked, reason);
    if (changed) tellGateways(cache, asked.log);
    return await one(row, asked.log);
  };
  return {
    listDevices: async ({ caller, query, log }) => {
      const { items, next } = await listDevices(core, caller.tenant, query);
      const { devices, fromCache } = await withConnections(cache, items, clock(), log);
      return { items: devices, next, ...(fromCache ? {} : withoutCache) };
    },
    createDevice: async (asked) => {
      const row = await createDevice(core, actorOf(asked), asked.body);
      tellProcessors(cache, deviceTypesChangedMessage(row.tenant, row.id), asked.log);
      return await one(row, asked.log);
    },
    importDevices: async (asked) => {
      const { rows, existing } = asked.body;
      const { items, typesChanged, identitiesChanged } = await importDevices(core, actorOf(asked), rows, existing);
      // One word for all of the tenant's devices is less than one for each of them.
      if (typesChanged) tellProcessors(cache, deviceTypesChangedMessage(asked.caller.tenant), asked.log);
      if (identitiesChanged) tellGateways(cache, asked.log);
      return { items };
    },
    getDevice: async ({ caller, params, log }) =>
      await one(await findDevice(core, caller.tenant, params.deviceId), log),
    updateDevice: async (asked) => {
      const { row, retyped } = await updateDevice(core, actorOf(asked), asked.params.deviceId, asked.body);
      if (retyped) tellProcessors(cache, deviceTypesChangedMessage(row.tenant, row.id), asked.log);
      return await one(row, asked.log);
    },
    blockDevice: (asked) => block(true, asked, asked.params.deviceId, asked.body.reason),
    unblockDevice: (asked) => block(false, asked, asked.params.deviceId, asked.body.reason),
    issueCertificate: (asked) =>
      issueCertificate(core, issuance, actorOf(asked), asked.params.deviceId, asked.body.csr),
    listCertificates: ({ caller, params, query }) => listCertificates(core, caller.tenant, params.deviceId, query),
    revokeCertificate: async (asked) => {
      const { deviceId, serial } = asked.params;
      const done = await revokeCertificate(core, actorOf(asked), deviceId, serial, asked.body.reason);
      if (done.changed) tellGateways(cache, asked.log);
      return done.certificate;
    },
    listDeviceTypes: ({ caller, query }) => listDeviceTypes(core, caller.tenant, query),
    getDeviceType: ({ caller, params }) => getDeviceType(core, caller.tenant, params.typeId),
    putDeviceType: async (asked) => {
      const type = await putDeviceType(core, actorOf(asked), asked.params.typeId, asked.body);
      tellProcessors(cache, deviceTypesChangedMessage(asked.caller.tenant), asked.log);
      return type;
    },
    ...enrolmentHandlers(deps),
    ...accessHandlers(deps),
  };
}

function enrolmentHandlers({ core, cache, issuance, claimKey }: Deps): Handlers<typeof enrolmentOperations> {
  const needed = () => {
    if (claimKey !== undefined) return claimKey;
    throw problem(422, 'No claim codes', 'this platform has no key for claim codes: set IOT_CLAIM_KEY_SECRET');
  };
  return {
    createClaimCodes: async (asked) =>
      await createClaimCodes(core, { key: needed(), random: issuance.random }, actorOf(asked), asked.body),
    listClaimCodes: ({ caller, query }) => listClaimCodes(core, caller.tenant, query),
    revokeClaimCode: (asked) => revokeClaimCode(core, actorOf(asked), asked.params.claimCodeId, asked.body.reason),
    enrolDevice: async ({ body, trace, log }) => {
      const { issued, tenant, registered } = await redeemClaimCode(core, { key: needed(), issuance }, trace, body);
      if (registered) tellProcessors(cache, deviceTypesChangedMessage(tenant, issued.device), log);
      return issued;
    },
    addFactoryAuthority: (asked) => addFactoryAuthority(core, issuance, actorOf(asked), asked.body),
    listFactoryAuthorities: ({ caller, query }) => listFactoryAuthorities(core, caller.tenant, query),
    activateFactoryAuthority: async (asked) => {
      const { proof } = asked.body;
      const by = { proof, admin: asked.caller.scopes.has('admin') };
      const done = await activateFactoryAuthority(core, issuance, actorOf(asked), asked.params.authorityId, by);
      if (done.changed) tellGateways(cache, asked.log);
      return done.authority;
    },
    disableFactoryAuthority: async (asked) => {
      const { authorityId } = asked.params;
      const done = await disableFactoryAuthority(core, actorOf(asked), authorityId, asked.body.reason);
      if (done.changed) tellGateways(cache, asked.log);
      return done.authority;
    },
  };
}

function accessHandlers({ core, cache }: Deps): Handlers<typeof accessOperations> {
  return {
    listDeviceKeys: ({ caller, params }) => listKeys(core, caller.tenant, params.deviceId),
    addDeviceKey: async (asked) => {
      const key = await addKey(core, actorOf(asked), asked.params.deviceId, asked.body);
      tellGateways(cache, asked.log);
      return key;
    },
    removeDeviceKey: async (asked) => {
      await removeKey(core, actorOf(asked), asked.params.deviceId, asked.params.keyId);
      tellGateways(cache, asked.log);
      return undefined;
    },
    getDeviceAccess: ({ caller }) => getAccess(core, caller.tenant),
    putDeviceAccess: async (asked) => {
      const access = await putAccess(core, actorOf(asked), asked.body);
      tellGateways(cache, asked.log);
      return access;
    },
  };
}

const AfterQuery = z.object({
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  limit: z.coerce.number().int().min(1).max(5_000).default(1_000),
});

/** Routes for other parts: gateways follow identity changes, the telemetry service asks for counts. */
export function internalRoutes({ core, cache, issuance }: Deps): InternalRoute[] {
  return [
    {
      method: 'GET',
      callers: ['gateway'],
      path: identityChangesPath,
      query: AfterQuery,
      handler: ({ query, headers }) => {
        const { after, limit } = query as z.output<typeof AfterQuery>;
        const knowsAll = headers[identityFormatHeader] === identityFormat;
        return changesAfter(core, after, limit, knowsAll ? identityChangeKinds : identityChangeKinds.slice(0, 3));
      },
    },
    {
      method: 'GET',
      callers: ['gateway', 'api'],
      path: deviceTrustPath,
      handler: async (): Promise<DeviceTrust> => ({ authorities: [...(await issuance.issuer.trusted())] }),
    },
    {
      method: 'POST',
      callers: ['gateway'],
      path: tenantUsagePath,
      body: TenantUsageReport,
      handler: ({ body }) => reportUsage(core, body as TenantUsageReport),
    },
    {
      method: 'POST',
      callers: ['api', 'gateway'],
      path: enrolByCertificatePath,
      body: PresentedCertificate,
      handler: async ({ body, trace, log }) => {
        const done = await enrolByCertificate(core, issuance, trace, body as z.output<typeof PresentedCertificate>);
        const { identity, issued, registered } = done;
        if (registered) tellProcessors(cache, deviceTypesChangedMessage(identity.tenant, identity.device), log);
        return { ...identity, issued: issued ?? null };
      },
    },
    {
      method: 'GET',
      callers: ['telemetry', 'api'],
      path: countsPath,
      handler: ({ caller }) => countDevices(core, caller.tenant),
    },
  ];
}

const PresentedCertificate = z.strictObject({
  certificate: z.string().min(100).max(16_384),
  csr: Csr.optional(),
  renew: z.boolean(),
});

export const countsPath = '/internal/counts';

/**
 * Wakes the gateways' polls; best effort and not awaited: they poll each second anyhow, and the change is committed.
 */
function tellGateways(cache: Cache, log: Log): void {
  cache
    .publish(identityChangedChannel(), 'changed')
    .catch((error: unknown) =>
      log.warn(
        { error: toCacheError(error).message },
        'gateways were not woken; they see the change at their next poll',
      ),
    );
}

/** Makes a committed change of a type the processors' at once; best effort and not awaited: they look each half minute. */
function tellProcessors(cache: Cache, message: string, log: Log): void {
  cache
    .publish(deviceTypesChangedChannel(), message)
    .catch((error: unknown) =>
      log.warn({ error: toCacheError(error).message }, 'processors were not told; they read the types within a minute'),
    );
}
