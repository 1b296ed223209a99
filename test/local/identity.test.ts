import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { serviceCallers, serviceCalls } from '../../runtime/contracts/callers.ts';
import { identityFolder, localIssuer, localNamespace, startIdentities } from '../../runtime/local/identity.ts';
import { openCallers } from '../../runtime/platform/identity/callers.ts';
import { openServiceToken } from '../../runtime/platform/identity/service-token.ts';
import { quietLog } from '../support/log.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'iot-test-identities-'));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(root, { recursive: true, force: true });
});

const called = (keys: string) => ({
  IOT_CALLER_KEYS: keys,
  IOT_CALLER_ISSUER: localIssuer,
  IOT_CALLER_NAMESPACE: localNamespace,
});

test('the launcher gives each service tokens for those that it calls, in files for their owner alone', async () => {
  const folder = identityFolder(root);
  const identities = await startIdentities(folder, quietLog);
  try {
    for (const caller of serviceCallers)
      for (const service of serviceCalls[caller]) {
        const callers = openCallers(service, called(folder.keys), quietLog);
        const token = await openServiceToken(folder.of(caller), service).current();
        expect(await callers.verify(`Bearer ${token}`)).toBe(caller);
      }
    const files = (await readdir(root, { recursive: true })).map((name) => join(root, name));
    for (const file of files) expect((await stat(file)).mode & 0o077, file).toBe(0);
    for (const file of files.filter((name) => name.endsWith('.json')))
      expect(JSON.parse(await readFile(file, 'utf8')).keys[0], 'public half only').not.toHaveProperty('d');
  } finally {
    identities.stop();
  }
});

test('they are renewed at half their life, by the clock on the wall', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
  const folder = identityFolder(root);
  const identities = await startIdentities(folder, quietLog);
  const file = join(folder.of('gateway'), 'iot-devices');
  try {
    const first = await readFile(file, 'utf8');
    vi.setSystemTime(Date.now() + 29 * 60_000);
    vi.advanceTimersByTime(30_000);
    expect(await readFile(file, 'utf8')).toBe(first);
    vi.setSystemTime(Date.now() + 8 * 3_600_000); // a night's sleep, in which timers stood still
    vi.advanceTimersByTime(30_000);
    await vi.waitFor(async () => expect(await readFile(file, 'utf8')).not.toBe(first));
    const token = await openServiceToken(folder.of('gateway'), 'devices').current();
    expect(await openCallers('devices', called(folder.keys), quietLog).verify(`Bearer ${token}`)).toBe('gateway');
  } finally {
    identities.stop();
  }
});
