import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { expiryMarginMs, type IdentityChange } from '../contracts/http/index.ts';
import {
  DeviceAccessData,
  FactoryAuthorityData,
  FactoryCertificateData,
  type JwtAlgorithm,
  KeysData,
} from '../contracts/identity.ts';
import type { FactoryRule, Identity } from '../platform/tls/device-certificate.ts';

/**
 * Who may connect by something else than a certificate of ours, as of a version of the devices service's list of changes:
 * what a gateway needs to judge them without asking anybody. Changes in, a state out.
 */
export type KnownIdentities = {
  /** Keys of devices (`tenant/device`) that log in by JWT. */
  keys: Map<string, readonly JwtKey[]>;
  /** Factory CAs in force, by id. */
  authorities: Map<string, FactoryAuthority>;
  /** Factory certificates that are registered, by serial. */
  certificates: Map<string, { device: string; authority: string; expiresAt: number | null }>;
  /** Tenants whose devices may log in by JWT, and the audiences that name them besides their ids. */
  access: Map<string, readonly string[]>;
};
export type JwtKey = { id: string; algorithm: JwtAlgorithm; key: KeyObject; expiresAt: number | null };
export type FactoryAuthority = FactoryRule & { certificate: X509Certificate };

export const nothingKnown = (): KnownIdentities => ({
  keys: new Map(),
  authorities: new Map(),
  certificates: new Map(),
  access: new Map(),
});

/** What one change did: `trust` when TLS has other CAs to trust than before. */
export type Effect = 'none' | 'credentials' | 'trust';

/** Applies one change. @throws when `data` is not what its kind has: half a list of keys must not count as all. */
export function applyKnown(state: KnownIdentities, change: IdentityChange): Effect {
  const name = `${change.tenant}/${change.device}`;
  switch (change.change) {
    case 'keys': {
      const keys = KeysData.parse(change.data).keys.map(({ id, algorithm, spki, expiresAt }) => ({
        id,
        algorithm,
        expiresAt,
        key: createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' }),
      }));
      if (keys.length === 0) state.keys.delete(name);
      else state.keys.set(name, keys);
      return 'credentials';
    }
    case 'factory-authority': {
      const id = change.serial ?? '';
      const { status, certificate, devicePrefix } = FactoryAuthorityData.parse(change.data);
      if (status === 'active') {
        const rule = { tenant: change.tenant, id, devicePrefix };
        state.authorities.set(id, { ...rule, certificate: new X509Certificate(certificate) });
      } else if (state.authorities.get(id)?.tenant === change.tenant) state.authorities.delete(id);
      return 'trust';
    }
    case 'factory-certificate': {
      const { authority } = FactoryCertificateData.parse(change.data);
      const expiresAt = change.expiresAt ?? null;
      state.certificates.set(change.serial ?? '', { device: name, authority, expiresAt });
      return 'none';
    }
    case 'device-access': {
      const { jwt, audiences } = DeviceAccessData.parse(change.data);
      if (jwt) state.access.set(change.tenant, audiences);
      else state.access.delete(change.tenant);
      return 'credentials';
    }
    default:
      return 'none';
  }
}

/** Forgets what time has ended. @returns how much. */
export function pruneKnown(state: KnownIdentities, now: number): number {
  const before = state.certificates.size;
  for (const [serial, { expiresAt }] of state.certificates)
    if (expiresAt !== null && expiresAt + expiryMarginMs < now) state.certificates.delete(serial);
  return before - state.certificates.size;
}

/** The tenant that an audience names. A tenant's own id is always its own, whatever others wrote into their lists. */
export function tenantOfAudience(state: KnownIdentities, audience: string): string | undefined {
  if (state.access.has(audience)) return audience;
  for (const [tenant, audiences] of state.access) if (audiences.includes(audience)) return tenant;
  return undefined;
}

/** Whether what let an identity in is still good; asked at CONNECT, and again of live sessions after each change. */
export function credentialRefusal(state: KnownIdentities, identity: Identity, now: number): string | undefined {
  const { tenant, device, factory, key } = identity;
  if (factory !== undefined && !state.authorities.has(factory)) return 'its factory CA is not in force';
  if (key === undefined) return undefined;
  if (!state.access.has(tenant)) return `tenant '${tenant}' does not allow log-in by JWT`;
  const held = state.keys.get(`${tenant}/${device}`)?.find(({ id }) => id === key);
  if (held === undefined) return 'the key that signed its JWT was removed';
  if (held.expiresAt !== null && held.expiresAt <= now) return 'the key that signed its JWT is over';
  return undefined;
}

/** As changes that make this state from nothing: what the snapshot on disk has, and reads by the same code. */
export function knownAsChanges(state: KnownIdentities, version: number): IdentityChange[] {
  const at = { version, at: 0, serial: null, device: '' };
  const split = (name: string) => {
    const slash = name.indexOf('/');
    return { tenant: name.slice(0, slash), device: name.slice(slash + 1) };
  };
  return [
    ...[...state.access].map(([tenant, audiences]) => ({
      ...at,
      tenant,
      change: 'device-access' as const,
      data: { jwt: true, audiences },
    })),
    ...[...state.authorities.values()].map(({ tenant, id, devicePrefix, certificate }) => ({
      ...at,
      tenant,
      serial: id,
      change: 'factory-authority' as const,
      data: { status: 'active', certificate: certificate.toString(), devicePrefix },
    })),
    ...[...state.certificates].map(([serial, { device, authority, expiresAt }]) => ({
      ...at,
      ...split(device),
      serial,
      expiresAt,
      change: 'factory-certificate' as const,
      data: { authority },
    })),
    ...[...state.keys].map(([device, keys]) => ({
      ...at,
      ...split(device),
      change: 'keys' as const,
      data: {
        keys: keys.map(({ id, algorithm, key, expiresAt }) => ({
          id,
          algorithm,
          expiresAt,
          spki: key.export({ type: 'spki', format: 'der' }).toString('base64'),
        })),
      },
    })),
  ];
}
