import { createHash } from 'node:crypto';

/** Shortest client secret that may be stored by a fast hash, characters of base64url or hex. */
export const shortestClientSecret = 32;

/**
 * How an OAuth client's secret stands in `oauth_clients`. It is random (at least 192 bits), so a fast hash loses nothing
 * and costs a token request nothing.
 * @throws Error for a secret that is too short or has other characters
 */
export function hashClientSecret(secret: string): string {
  if (!/^[A-Za-z0-9_-]+$/.test(secret) || secret.length < shortestClientSecret)
    throw new Error(
      `a client secret has at least ${shortestClientSecret} random characters of A-Z a-z 0-9 _ -; make one with: openssl rand -hex 32`,
    );
  return `sha256$${createHash('sha256').update(secret).digest('base64url')}`;
}
