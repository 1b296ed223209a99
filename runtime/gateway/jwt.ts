import { compactVerify, decodeJwt, decodeProtectedHeader, errors } from 'jose';
import type { Identity } from '../platform/tls/device-certificate.ts';
import { type KnownIdentities, tenantOfAudience } from './known-identities.ts';

/**
 * Log-in by JWT as Cloud IoT Core had it: the password is an ES256 or RS256 token of the device's own making, `aud` names
 * the tenant (there: the project), `exp` is at most 24 h after `iat`, clocks may differ by 10 minutes.
 */
export const skewMs = 10 * 60_000;
const longestMs = 24 * 3_600_000;
const mostCharacters = 4_096;

/**
 * Which device a token speaks for. Only the keys of that very device are tried, each with the algorithm that belongs to
 * it: what the token's header says chooses nothing.
 * @param device from the MQTT client id
 * @returns the identity, which ends when the token and the skew are over, or why there is none.
 */
export async function identifyByToken(
  state: KnownIdentities,
  device: string,
  token: string,
  now: number,
): Promise<Identity | { refused: string }> {
  const claims = token.length > mostCharacters ? undefined : read(token);
  if (claims === undefined) return { refused: 'the password is no JWT signed with ES256 or RS256' };
  const { algorithm, audience, issuedAt, expiresAt } = claims;
  const tenant = audience === undefined ? undefined : tenantOfAudience(state, audience);
  if (tenant === undefined) return { refused: 'the aud of the JWT names no tenant that allows log-in by JWT' };
  if (issuedAt === undefined || expiresAt === undefined) return { refused: 'the JWT must have iat and exp, numbers' };
  if (issuedAt > now + skewMs) return { refused: 'the JWT is from the future (iat)' };
  if (expiresAt <= now - skewMs) return { refused: 'the JWT has expired' };
  if (expiresAt > Math.min(issuedAt, now + skewMs) + longestMs)
    return { refused: 'the JWT is good for more than 24 hours (exp)' };
  for (const key of state.keys.get(`${tenant}/${device}`) ?? []) {
    if (key.algorithm !== algorithm || (key.expiresAt !== null && key.expiresAt <= now)) continue;
    if (await signedBy(token, key))
      return { tenant, device, serial: undefined, key: key.id, endsAt: expiresAt + skewMs };
  }
  return { refused: 'no key of the device signed the JWT' };
}

function read(token: string) {
  try {
    const { alg } = decodeProtectedHeader(token);
    if (alg !== 'ES256' && alg !== 'RS256') return undefined;
    const { aud, iat, exp } = decodeJwt(token);
    return {
      algorithm: alg,
      audience: typeof aud === 'string' ? aud : undefined,
      issuedAt: ms(iat),
      expiresAt: ms(exp),
    };
  } catch (error) {
    // jose says what is malformed by TypeError and by its own errors; to a device it is all one.
    if (error instanceof TypeError || error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

const ms = (seconds: unknown) =>
  typeof seconds === 'number' && Number.isFinite(seconds) ? seconds * 1_000 : undefined;

async function signedBy(
  token: string,
  { key, algorithm }: { key: Parameters<typeof compactVerify>[1]; algorithm: string },
) {
  try {
    await compactVerify(token, key as never, { algorithms: [algorithm] });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
}
