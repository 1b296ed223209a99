import { z } from 'zod';
import { TenantId } from '../identifiers.ts';
import { accessOperations } from './access.ts';
import { commandOperations } from './commands.ts';
import { deviceOperations } from './devices.ts';
import { enrolmentOperations } from './enrolment.ts';
import type { Operation } from './operation.ts';
import { peopleOperations } from './people.ts';
import { platformOperations } from './platform.ts';
import { telemetryOperations } from './telemetry.ts';
import { twinOperations } from './twins.ts';

/** Every operation of the public API. */
export const operations: readonly Operation[] = [
  ...deviceOperations,
  ...enrolmentOperations,
  ...accessOperations,
  ...twinOperations,
  ...commandOperations,
  ...telemetryOperations,
  ...peopleOperations,
  ...platformOperations,
];

/**
 * How a service tells another for whom it asks: these headers, made anew by the API gateway from the token that it has
 * verified. Which service asks is proved by its own token in `authorization` (contracts/callers.ts).
 */
export const callerHeaders = {
  tenant: 'x-iot-tenant',
  subject: 'x-iot-subject',
  scopes: 'x-iot-scopes',
  /** W3C trace context. */
  trace: 'traceparent',
} as const;

/** Internal, not public: a device with a certificate, as EST (with a request) and gateways (without) present it. */
export const enrolByCertificatePath = '/internal/enrolment/certificate';

/** Internal, not public: gateways read what changed in identities since `after`, in order, at most `limit` rows. */
export const identityChangesPath = '/internal/identity-changes';

/**
 * Internal, not public: PEM of each CA below which a device's certificate is good, for what keeps the gateways' TLS files.
 * A gateway asks for no tenant's sake, but names one like every caller.
 */
export const deviceTrustPath = '/internal/device-trust';
export type DeviceTrust = { authorities: string[] };

/**
 * Internal, not public: each gateway tells every few seconds what it took from each tenant's devices in this minute, and
 * hears its share of what the tenants may send.
 */
export const tenantUsagePath = '/internal/tenant-usage';
export const TenantUsageReport = z.strictObject({
  gateway: z.string().min(1).max(253),
  tenants: z
    .array(
      z.strictObject({
        tenant: TenantId,
        /** Start of the minute, epoch milliseconds. */
        minute: z.int().min(0),
        /** Messages taken in since then, and time for which somebody was read more slowly; milliseconds. */
        messages: z.int().min(0),
        throttledMs: z.int().min(0),
        connections: z.int().min(0),
      }),
    )
    .max(10_000),
});
export type TenantUsageReport = z.infer<typeof TenantUsageReport>;
/** Of tenants with a quota alone: messages a second that this gateway may take in. */
export const TenantShares = z.object({
  shares: z.array(z.object({ tenant: z.string(), messagesPerSecond: z.number().positive() })),
});
export type TenantShares = z.infer<typeof TenantShares>;

/**
 * Kinds of change. `blocked`, `unblocked` and `certificate-revoked` are told to everybody; the others, which came later,
 * to those who name `identityFormat` in `identityFormatHeader`: what an older gateway does not know would stop it.
 */
export const identityChangeKinds = [
  'blocked',
  'unblocked',
  'certificate-revoked',
  'keys',
  'factory-authority',
  'factory-certificate',
  'device-access',
] as const;
export type IdentityChangeKind = (typeof identityChangeKinds)[number];
export const identityFormatHeader = 'x-iot-identity-format';
export const identityFormat = '2';

/**
 * One change that a gateway must know to admit or end connections. The full list since version 0 is the revocation
 * snapshot; `unblocked` rows undo `blocked` ones. Of what is older than a week the list has the newest state of a device
 * only, and no certificate that expired more than `expiryMarginMs` ago: versions may have gaps, and only rise.
 */
export type IdentityChange = {
  version: number;
  tenant: string;
  device: string;
  change: IdentityChangeKind;
  /** Lower-case hex, for `certificate-revoked` and `factory-certificate`; the CA's id for `factory-authority`. */
  serial: string | null;
  /** What the kind needs (identity.ts); absent for those of a device's block and of revocations. */
  data?: unknown;
  at: number;
  /** End of the revoked certificate's validity, epoch milliseconds: what has expired does not come in anyhow. */
  expiresAt?: number | null | undefined;
};
/** A revoked certificate is remembered for so long after its end, whatever the clocks of gateways say. */
export const expiryMarginMs = 86_400_000;
export type IdentityChanges = { version: number; changes: IdentityChange[]; more: boolean };
