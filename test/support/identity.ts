import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  audienceOf,
  type CalledService,
  type ServiceCaller,
  serviceCallers,
  serviceCalls,
} from '../../runtime/contracts/callers.ts';
import { identityFolder, localIssuer, localNamespace, newIssuer } from '../../runtime/local/identity.ts';
import { createCallers } from '../../runtime/platform/identity/callers.ts';
import { openKeySet } from '../../runtime/platform/identity/key-set.ts';
import { openServiceToken, type ServiceToken } from '../../runtime/platform/identity/service-token.ts';
import { quietLog } from './log.ts';

/** Identities of services as the launcher gives them, for the services of this test process. */
const issuer = newIssuer();
const root = mkdtempSync(join(tmpdir(), 'iot-test-identity-'));
process.once('exit', () => rmSync(root, { recursive: true, force: true }));
const folder = identityFolder(root);
writeFileSync(folder.keys, JSON.stringify(issuer.keys), { mode: 0o600 });
const tokens = new Map<string, string>();
for (const caller of serviceCallers) {
  mkdirSync(folder.of(caller), { mode: 0o700 });
  for (const service of serviceCalls[caller]) {
    const token = await issuer.token(caller, service);
    tokens.set(`${caller} ${service}`, token);
    writeFileSync(join(folder.of(caller), audienceOf(service)), token, { mode: 0o600 });
  }
}

/** Settings of a service that others call. */
export const calledSettings = {
  IOT_CALLER_KEYS: folder.keys,
  IOT_CALLER_ISSUER: localIssuer,
  IOT_CALLER_NAMESPACE: localNamespace,
};
/** Settings of a service that calls others. */
export const callingSettings = (caller: ServiceCaller) => ({ IOT_IDENTITY_DIR: folder.of(caller) });

/** Header `authorization` of a caller. */
export const bearer = (caller: ServiceCaller, service: CalledService): string =>
  `Bearer ${tokens.get(`${caller} ${service}`)}`;

/** Header `authorization` of the API gateway, good at every service: for tests that ask what they do not care about. */
export const apiToEveryService = `Bearer ${await issuer.token('api', 'devices', {
  aud: serviceCalls.api.map(audienceOf),
})}`;

export const tokenOf = (caller: ServiceCaller, service: CalledService): ServiceToken =>
  openServiceToken(folder.of(caller), service);

/** A token with other claims than the launcher gives. */
export const tokenWith = (caller: ServiceCaller, service: CalledService, claims: Record<string, unknown>) =>
  issuer.token(caller, service, claims);

/** For servers that a test makes by `serveOperations`. */
export const callersOf = (service: CalledService) =>
  createCallers({
    service,
    keys: openKeySet(folder.keys, quietLog),
    issuer: localIssuer,
    namespace: localNamespace,
  });
