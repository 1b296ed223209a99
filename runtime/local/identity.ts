import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SignJWT } from 'jose';
import {
  audienceOf,
  type CalledService,
  type ServiceCaller,
  serviceCallers,
  serviceCalls,
  subjectPrefix,
} from '../contracts/callers.ts';
import type { Log } from '../platform/service/log.ts';

/** `iss` of the launcher's tokens, and the namespace in which it names services. */
export const localIssuer = 'iot-launcher';
export const localNamespace = 'iot-local';

export type IdentityFolder = { keys: string; of(caller: ServiceCaller): string };

/** Places below the data folder: public keys, and a folder of tokens for each caller. */
export const identityFolder = (root: string): IdentityFolder => ({
  keys: join(root, 'keys.json'),
  of: (caller) => join(root, caller),
});

const lifeMs = 3_600_000;
const renewAfterMs = lifeMs / 2;
const lookEveryMs = 30_000;

/**
 * What the kubelet and the cluster's issuer are in the cloud: gives each service tokens for those that it calls, and renews
 * them. The private key is in this process only, and a new one with each start. Looks at the clock every half minute, since
 * timers stand still while a laptop sleeps.
 */
export async function startIdentities(folder: IdentityFolder, log: Log): Promise<{ stop(): void }> {
  const issuer = newIssuer();
  await writePrivate(folder.keys, JSON.stringify(issuer.keys));
  let writtenAt = 0;
  const write = async () => {
    for (const caller of serviceCallers)
      for (const service of serviceCalls[caller])
        await writePrivate(join(folder.of(caller), audienceOf(service)), await issuer.token(caller, service));
    writtenAt = Date.now();
  };
  await write();
  const timer = setInterval(() => {
    if (Date.now() - writtenAt < renewAfterMs) return;
    write().catch((error: Error) => log.error({ error: error.message }, 'identities not renewed; tried again'));
  }, lookEveryMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/** Signs tokens as Kubernetes does, with a key of its own. `keys` is its public half, a JSON Web Key Set. */
export function newIssuer(clock: () => number = Date.now) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomUUID();
  return {
    keys: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }] },
    token(caller: ServiceCaller, service: CalledService, claims: Record<string, unknown> = {}): Promise<string> {
      const at = Math.floor(clock() / 1_000);
      return new SignJWT({
        iss: localIssuer,
        aud: audienceOf(service),
        sub: `${subjectPrefix(localNamespace)}${caller}`,
        iat: at,
        exp: at + lifeMs / 1_000,
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', kid })
        .sign(privateKey);
    },
  };
}

/** Replaced at once: a service reads the old file or the new one. */
async function writePrivate(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
