import type { JWTPayload } from 'jose';
import { scopes as allScopes, type Role, roles, type Scope } from '../../contracts/http/operation.ts';
import { tenantIdPattern } from '../../contracts/identifiers.ts';

/** Whom a verified token speaks for. The tenant comes from here and from nowhere else. */
export type Principal = {
  /** User or client; printable ASCII, at most 256 characters. */
  subject: string;
  /** OAuth client that asked for the token; key of the rate limit. */
  client: string;
  tenant: string;
  role: Role | null;
  scopes: readonly Scope[];
  /** Epoch milliseconds. */
  expiresAt: number;
};

/** Why a token is refused; the text goes into `error_description`, so it says nothing that the sender does not know. */
export class TokenRefused extends Error {
  constructor(reason: string, options?: { cause?: unknown }) {
    super(reason, options);
    this.name = 'TokenRefused';
  }
}

/**
 * The principal of a verified token's claims. Bundled and external issuers are read alike:
 * - tenant: `tenant`, or `https://iot-platform/tenant` (issuers that want custom claims in a namespace);
 * - role: `role`, or the first known one of `roles` or `https://iot-platform/roles`;
 * - scopes: `scope` (text) or `scp` (text or list). A token with a role and none of our scopes has its role's scopes;
 *   a token with both has those that are in both.
 * @throws TokenRefused when it names no tenant, or no subject.
 */
export function principalOf(claims: JWTPayload): Principal {
  const tenant = claims['tenant'] ?? claims[`${namespace}tenant`];
  if (typeof tenant !== 'string' || !tenantIdPattern.test(tenant)) throw new TokenRefused('the token names no tenant');
  const subject = printable(claims.sub);
  if (subject === '') throw new TokenRefused('the token names no subject');
  if (typeof claims.exp !== 'number') throw new TokenRefused('the token has no expiry');
  const role = roleOf(claims);
  const granted = scopesOf(claims);
  const allowed: readonly Scope[] = role === null ? allScopes : roles[role];
  return {
    subject,
    client: printable(claims['client_id'] ?? claims['azp']) || subject,
    tenant,
    role,
    scopes: granted.length === 0 && role !== null ? allowed : granted.filter((scope) => allowed.includes(scope)),
    expiresAt: claims.exp * 1_000,
  };
}

const namespace = 'https://iot-platform/';

function roleOf(claims: JWTPayload): Role | null {
  const many = claims['roles'] ?? claims[`${namespace}roles`];
  const named = [claims['role'], ...(Array.isArray(many) ? many : [many])];
  return named.find((name): name is Role => typeof name === 'string' && Object.hasOwn(roles, name)) ?? null;
}

function scopesOf(claims: JWTPayload): Scope[] {
  const given = claims['scope'] ?? claims['scp'];
  const words = Array.isArray(given) ? given : typeof given === 'string' ? given.split(' ') : [];
  return allScopes.filter((scope) => words.includes(scope));
}

/** A subject travels in a header and stands in the audit log; what is not printable ASCII is percent-encoded. */
function printable(value: unknown): string {
  if (typeof value !== 'string' || !value.isWellFormed()) return '';
  return value.replaceAll(/[^\x21-\x7e]/gu, (char) => encodeURIComponent(char)).slice(0, 256);
}
