import { createLocalJWKSet, createRemoteJWKSet, errors } from 'jose';
import { UpstreamAway } from '../../platform/http/client.ts';
import type { KeyRing } from '../identity/key-ring.ts';
import { publicKeys } from '../identity/keys.ts';
import { createTokenVerifier, type TokenVerifier } from './token-verifier.ts';

/** Tokens of the bundled authorization server, by its own keys; one that names an unknown key makes it look for newer ones. */
export function bundledVerifier(publicUrl: string, ring: KeyRing, clock: () => number): TokenVerifier {
  let set = createLocalJWKSet(publicKeys(ring.current()));
  ring.onChange(() => {
    set = createLocalJWKSet(publicKeys(ring.current()));
  });
  return createTokenVerifier({
    issuer: publicUrl,
    audience: publicUrl,
    keys: async (header, token) => {
      try {
        return await set(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || !(await ring.refresh())) throw error;
        return await set(header, token);
      }
    },
    algorithms: ['ES256'],
    type: 'at+jwt',
    clock,
  });
}

/**
 * Tokens of an external OpenID Connect issuer. Its keys are found by its discovery document at the first token, then
 * kept and renewed by jose. While the issuer does not answer, that is a part away (503), not a bad token.
 */
export function externalVerifier(issuer: string, audience: string, clock: () => number): TokenVerifier {
  let keys: Promise<ReturnType<typeof createRemoteJWKSet>> | undefined;
  return createTokenVerifier({
    issuer,
    audience,
    keys: async (header, token) => {
      keys ??= discover(issuer);
      try {
        return await (await keys)(header, token);
      } catch (error) {
        if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
        keys = undefined; // the next token tries anew
        throw new UpstreamAway('issuer', (error as Error).message, { retryAfter: 5, cause: error });
      }
    },
    algorithms: ['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA'],
    clock,
  });
}

const answerWithinMs = 5_000;

async function discover(issuer: string): Promise<ReturnType<typeof createRemoteJWKSet>> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(url, { signal: AbortSignal.timeout(answerWithinMs) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const { jwks_uri: jwksUri, issuer: named } = (await response.json()) as Record<string, unknown>;
  if (named !== issuer) throw new Error(`${url} names issuer '${String(named)}'; IOT_OIDC_ISSUER is '${issuer}'`);
  return createRemoteJWKSet(new URL(String(jwksUri)), { timeoutDuration: answerWithinMs });
}
