import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { z } from 'zod';
import type { IdentityKeys } from './keys.ts';

/** A signing key and a cookie key that were made together. */
const Generation = z.strictObject({
  /** Epoch milliseconds. */
  madeAt: z.number().int().positive(),
  signing: z.looseObject({ kty: z.literal('EC'), crv: z.literal('P-256'), d: z.string(), kid: z.string() }),
  cookie: z.string().min(32),
});
export type Generation = z.infer<typeof Generation>;

/** What the secret holds: newest first. */
export const Generations = z.strictObject({ version: z.literal(1), generations: z.array(Generation).min(1).max(20) });
export type Generations = z.infer<typeof Generations>;

const minute = 60_000;
const day = 24 * 60 * minute;
/** Each process looks for new keys this often. */
export const lookEveryMs = 5 * minute;
/** A new key is published before it signs, so that every process knows it by then. */
const publishMs = 3 * lookEveryMs;
/** A key that signs no more verifies for so long: longer than any token or session (authorization-server.ts) lives. */
const verifyMs = 2 * day;

/** Whether the newest generation is old enough for another one. Pure. */
export function isRotationDue(held: Generations | undefined, now: number, days: number): boolean {
  return held === undefined || now - (held.generations[0] as Generation).madeAt >= days * day;
}

/** The next content of the secret: `made` in front, without those that nothing can need any more. Pure. */
export function withGeneration(held: Generations | undefined, made: Generation): Generations {
  const kept = (held?.generations ?? []).filter((_, index, all) => {
    const successor = index === 0 ? made : (all[index - 1] as Generation);
    return made.madeAt - successor.madeAt < verifyMs;
  });
  return { version: 1, generations: [made, ...kept].slice(0, 20) };
}

/** The keys in force: the first signs, the others verify. A generation signs only after its time of publication. Pure. */
export function keysInForce({ generations }: Generations, now: number): IdentityKeys {
  const only = generations.length === 1;
  const known = generations.filter(({ madeAt }) => only || now - madeAt >= publishMs);
  const coming = generations.filter((each) => !known.includes(each));
  const order = [...known, ...coming];
  return { signing: order.map(({ signing }) => signing as JWK), cookies: order.map(({ cookie }) => cookie) };
}

export async function newGeneration(now: number): Promise<Generation> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(privateKey);
  const named = { ...jwk, alg: 'ES256', use: 'sig', kid: randomBytes(8).toString('hex') };
  return Generation.parse({ madeAt: now, signing: named, cookie: randomBytes(32).toString('base64url') });
}
