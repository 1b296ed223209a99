import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair, SignJWT } from 'jose';
import { audienceOf, subjectPrefix } from '../../../runtime/contracts/callers.ts';
import { localIssuer, localNamespace, newIssuer } from '../../../runtime/local/identity.ts';
import { createUpstream } from '../../../runtime/platform/http/client.ts';
import { serveOperations } from '../../../runtime/platform/http/serve.ts';
import { createCallers } from '../../../runtime/platform/identity/callers.ts';
import { openKeySet } from '../../../runtime/platform/identity/key-set.ts';
import { openServiceToken } from '../../../runtime/platform/identity/service-token.ts';
import { quietLog } from '../../support/log.ts';

/** What identity between services costs: a token's first verification, the next ones, and a call with and without. */
const folder = await mkdtemp(join(tmpdir(), 'iot-bench-identity-'));
const issuer = newIssuer();
const kubernetes = await generateKeyPair('RS256', { modulusLength: 2_048, extractable: true });
const { exportJWK } = await import('jose');
const rsa = { ...(await exportJWK(kubernetes.publicKey)), kid: 'rsa', alg: 'RS256', use: 'sig' };
await writeFile(join(folder, 'keys.json'), JSON.stringify({ keys: [...issuer.keys.keys, rsa] }));
await writeFile(join(folder, audienceOf('devices')), await issuer.token('api', 'devices'));
const callers = createCallers({
  service: 'devices',
  issuer: localIssuer,
  namespace: localNamespace,
  keys: openKeySet(join(folder, 'keys.json'), quietLog),
});
const fromKubernetes = (jti: number) =>
  new SignJWT({
    iss: localIssuer,
    aud: audienceOf('devices'),
    sub: `${subjectPrefix(localNamespace)}api`,
    jti: `${jti}`,
  })
    .setProtectedHeader({ alg: 'RS256', kid: 'rsa' })
    .setExpirationTime('10m')
    .sign(kubernetes.privateKey);

const first = 500;
const tokens = {
  'RS256, as Kubernetes signs': await Promise.all(Array.from({ length: first }, (_, n) => fromKubernetes(n))),
  'ES256, as the launcher signs': await Promise.all(
    Array.from({ length: first }, (_, n) => issuer.token('api', 'devices', { jti: `${n}` })),
  ),
};
for (const [name, list] of Object.entries(tokens))
  print(`first verification, ${name}`, await each(first, (n) => callers.verify(`Bearer ${list[n]}`)));
const held = `Bearer ${tokens['RS256, as Kubernetes signs'].at(-1)}`;
print('verification of a token that is known', await each(100_000, () => callers.verify(held)));

for (const name of ['nobody is asked who calls', 'callers are verified', 'nobody again', 'verified again']) {
  const server = await serveOperations({
    service: 'devices',
    callers: name.startsWith('nobody') ? { verify: async () => 'api' } : callers,
    operations: [],
    handlers: {},
    routes: [{ method: 'GET', callers: ['api'], path: '/internal/empty', handler: async () => ({}) }],
    log: quietLog,
    bind: '127.0.0.1',
    port: 0,
  });
  const upstream = createUpstream(
    { name: 'devices', url: `http://127.0.0.1:${server.port}`, identity: openServiceToken(folder, 'devices') },
    quietLog,
  );
  const call = () =>
    upstream.call({ method: 'GET', path: '/internal/empty', caller: { tenant: 'main', subject: 'x', scopes: [] } });
  await each(2_000, call);
  print(`a call, both ends in this process, ${name}`, await each(5_000, call));
  upstream.close();
  await server.close();
}
await rm(folder, { recursive: true, force: true });

/** Microseconds of one, one after the other. */
async function each(times: number, work: (n: number) => Promise<unknown>): Promise<number> {
  const from = performance.now();
  for (let n = 0; n < times; n++) await work(n);
  return ((performance.now() - from) * 1_000) / times;
}
function print(what: string, microseconds: number): void {
  process.stdout.write(`${what.padEnd(64)} ${microseconds.toFixed(1).padStart(9)} µs\n`);
}
