import type { Scope } from '../../contracts/http/operation.ts';
import { defaultTenant } from '../../contracts/identifiers.ts';
import { type Principal, TokenRefused } from './principal.ts';
import type { TokenVerifier } from './token-verifier.ts';

/** An answer to a request that may not pass: 401 or 403 and the challenge of RFC 6750, section 3. */
export class AccessRefused extends Error {
  readonly status: 401 | 403;
  readonly challenge: string;
  constructor(status: 401 | 403, detail: string, challenge: string) {
    super(detail);
    this.name = 'AccessRefused';
    this.status = status;
    this.challenge = challenge;
  }
}

const realm = 'realm="iot-platform"';

/**
 * The only place where a request is let in: who the token speaks for, and whether that may do this operation.
 * @throws AccessRefused 401 without a good token, 403 naming the scope that is missing.
 */
export async function authorize(
  verifier: TokenVerifier,
  authorization: string | undefined,
  operation: { scope: Scope },
): Promise<Principal> {
  const token = bearerOf(authorization);
  if (token === undefined)
    throw new AccessRefused(401, 'header Authorization: Bearer <access token> is missing', `Bearer ${realm}`);
  let principal: Principal;
  try {
    principal = await verifier.verify(token);
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    throw new AccessRefused(
      401,
      error.message,
      `Bearer ${realm}, error="invalid_token", error_description="${error.message}"`,
    );
  }
  if (!principal.scopes.includes(operation.scope))
    throw new AccessRefused(
      403,
      `the token lacks the scope ${operation.scope}`,
      `Bearer ${realm}, error="insufficient_scope", scope="${operation.scope}"`,
    );
  if (operation.scope === 'tenants' && principal.tenant !== defaultTenant)
    throw new AccessRefused(
      403,
      `only tenant '${defaultTenant}', which operates the platform, may do this`,
      `Bearer ${realm}, error="insufficient_scope", scope="tenants"`,
    );
  return principal;
}

/** The token of `Authorization: Bearer …` (RFC 6750, section 2.1); the other two ways of that RFC are not supported. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(authorization ?? '')?.[1];
}
