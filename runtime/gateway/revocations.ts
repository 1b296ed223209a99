import { z } from 'zod';
import { expiryMarginMs, type IdentityChange } from '../contracts/http/index.ts';
import { plainSerial } from '../platform/tls/device-certificate.ts';

/**
 * Who may not connect, as of a version of the devices service's list of changes. Pure: a snapshot and changes in, a
 * state out. Devices are named `tenant/device`, serial numbers are lower-case hex without leading zeros.
 */
export type Revocations = { version: number; blocked: Set<string>; serials: Map<string, Revoked> };
/** `expiresAt`: epoch milliseconds; null when it was not told, and is then kept for good. */
type Revoked = { device: string; expiresAt: number | null };

export const noRevocations = (): Revocations => ({ version: 0, blocked: new Set(), serials: new Map() });

export const deviceName = (tenant: string, device: string) => `${tenant}/${device}`;

/** What a change asks of live sessions: end those of `device`, all, or those that came in with one certificate. */
export type Ending = { device: string; serial: string | undefined };

/** Applies changes in order; those at or below the state's version are known already. @returns what must end. */
export function applyChanges(state: Revocations, changes: readonly IdentityChange[]): Ending[] {
  const endings: Ending[] = [];
  for (const change of changes) {
    if (change.version <= state.version) continue;
    state.version = change.version;
    const device = deviceName(change.tenant, change.device);
    if (change.change === 'unblocked') state.blocked.delete(device);
    else if (change.change === 'blocked') {
      state.blocked.add(device);
      endings.push({ device, serial: undefined });
    } else if (change.change === 'certificate-revoked' && change.serial !== null) {
      const serial = plainSerial(change.serial);
      state.serials.set(serial, { device, expiresAt: change.expiresAt ?? null });
      endings.push({ device, serial });
    }
  }
  return endings;
}

/** Forgets certificates that are over: their own dates keep them out. @returns how many. */
export function pruneExpired(state: Revocations, now: number): number {
  const before = state.serials.size;
  for (const [serial, { expiresAt }] of state.serials)
    if (expiresAt !== null && expiresAt + expiryMarginMs < now) state.serials.delete(serial);
  return before - state.serials.size;
}

/** @returns why the device may not connect, or `undefined`. */
export function refusal(state: Revocations, device: string, serial: string | undefined): string | undefined {
  if (state.blocked.has(device)) return 'the device is blocked';
  if (serial !== undefined && state.serials.has(serial)) return 'the certificate is revoked';
  return undefined;
}

const common = { version: z.int().min(0), blocked: z.array(z.string()) };
const Snapshot = z.discriminatedUnion('format', [
  /** Without the ends of certificates; what it names is kept for good. */
  z.object({ ...common, format: z.literal(1), serials: z.array(z.tuple([z.string(), z.string()])) }),
  z.object({
    ...common,
    format: z.literal(2),
    serials: z.array(z.tuple([z.string(), z.string(), z.number().nullable()])),
  }),
]);

export function toSnapshot(state: Revocations): string {
  return JSON.stringify({
    format: 2,
    version: state.version,
    blocked: [...state.blocked],
    serials: [...state.serials].map(([serial, { device, expiresAt }]) => [serial, device, expiresAt]),
  } satisfies z.infer<typeof Snapshot>);
}

/** @throws when the text is no snapshot: a damaged one must not count as "nobody is revoked". */
export function fromSnapshot(text: string): Revocations {
  const { version, blocked, serials } = Snapshot.parse(JSON.parse(text));
  return {
    version,
    blocked: new Set(blocked),
    serials: new Map(serials.map(([serial, device, expiresAt = null]) => [serial, { device, expiresAt }])),
  };
}
