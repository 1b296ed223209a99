import { importJWK, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { bundledVerifier } from '../../runtime/api/access/issuers.ts';
import { keysInForce, newGeneration, withGeneration } from '../../runtime/api/identity/key-generations.ts';
import type { KeyRing } from '../../runtime/api/identity/key-ring.ts';
import type { IdentityKeys } from '../../runtime/api/identity/keys.ts';

const url = 'https://api.example.com';

async function tokenBy(keys: IdentityKeys): Promise<string> {
  const jwk = keys.signing[0] as IdentityKeys['signing'][number] & { kid: string };
  return await new SignJWT({ client_id: 'c', tenant: 'main', scope: 'devices:read' })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: jwk.kid })
    .setIssuer(url)
    .setAudience(url)
    .setSubject('c')
    .setIssuedAt()
    .setJti('j')
    .setExpirationTime('5m')
    .sign(await importJWK(jwk, 'ES256'));
}

describe('a token of a key that this process does not know yet', () => {
  const make = async () => keysInForce(withGeneration(undefined, await newGeneration(Date.now())), Date.now());

  it('makes it look once for newer keys: a token of another process that rotated is good', async () => {
    const [before, after] = [await make(), await make()];
    let [now, looks] = [before, 0];
    const listeners: (() => void)[] = [];
    const ring: KeyRing = {
      current: () => now,
      onChange: (listener) => void listeners.push(listener),
      stop: () => undefined,
      async refresh() {
        looks += 1;
        if (now === after) return false;
        now = { signing: [...after.signing, ...before.signing], cookies: [] };
        for (const listener of listeners) listener();
        return true;
      },
    };
    const verifier = bundledVerifier(url, ring, Date.now);
    await verifier.verify(await tokenBy(before));
    expect(looks).toBe(0);
    await verifier.verify(await tokenBy(after));
    await verifier.verify(await tokenBy(before));
    expect(looks).toBe(1);
  });

  it('is refused when there is no such key', async () => {
    const ring: KeyRing = {
      current: () => keys,
      refresh: async () => false,
      onChange: () => undefined,
      stop: () => undefined,
    };
    const keys = await make();
    await expect(bundledVerifier(url, ring, Date.now).verify(await tokenBy(await make()))).rejects.toThrow();
  });
});
