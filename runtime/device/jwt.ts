import { createPrivateKey, type KeyObject, sign } from 'node:crypto';

/** Log-in by JWT, as Cloud IoT Core had it: the device signs a token of its own, good for an hour, at each connection. */
export type JwtLogin = {
  /** PEM of the private key; P-256 signs ES256, RSA signs RS256. */
  key: string;
  /** The tenant, or another audience that names it. */
  audience: string;
  /** Life of a token, at most 24 h. The gateway ends the connection when it is over; the next one has a new token. */
  seconds?: number;
};

/** @param now epoch milliseconds. @throws for a key that is neither P-256 nor RSA, or a life out of bounds */
export function createToken({ key, audience, seconds = 3_600 }: JwtLogin, now: number): string {
  if (!(seconds >= 60 && seconds <= 86_400)) throw new Error(`a token lives 60 to 86400 seconds, not ${seconds}`);
  const privateKey = createPrivateKey(key);
  const alg = algorithmOf(privateKey);
  const iat = Math.floor(now / 1_000);
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg, typ: 'JWT' })}.${part({ iat, exp: iat + seconds, aud: audience })}`;
  // A JWS has the two numbers of an ECDSA signature side by side (RFC 7518 section 3.4), not in DER.
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

function algorithmOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): 'ES256' | 'RS256' {
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return 'ES256';
  if (type === 'rsa') return 'RS256';
  throw new Error(`the key is ${type ?? 'of an unknown kind'}; P-256 or RSA is needed for a JWT`);
}
