import { join } from 'node:path';
import { type Credentials, enrol } from '../../runtime/device/enrol.ts';
import { createFleetApi } from '../../runtime/simulator/api.ts';
import { createCredentialStore } from '../../runtime/simulator/credentials.ts';
import { openAll } from './load/connection.ts';
import type { BenchPlatform } from './platform.ts';

export type BenchDevice = { id: string; credentials: Credentials };

/** `bench-00000` and on: the devices that load generators are. */
export const benchDeviceId = (n: number) => `bench-${String(n).padStart(5, '0')}`;

/**
 * The named devices, registered and enrolled through the API; keys and certificates are kept in the data folder for
 * the next run.
 */
export async function benchDevices(
  platform: BenchPlatform,
  ids: readonly string[],
  say: (line: string) => void,
): Promise<BenchDevice[]> {
  const store = createCredentialStore(join(platform.dir, 'credentials'));
  await store.prepare();
  const api = createFleetApi({ api: platform.api, client: platform.client, attempts: 20 });
  let made = 0;
  const devices = await openAll(ids, 8, async (id) => {
    let credentials = await store.load(id, Date.now());
    if (credentials === undefined) {
      await api.ensureDevice({ id, tags: ['bench'] });
      credentials = await api.retried(() => enrol({ deviceId: id, api: platform.api, token: api.token }));
      await store.save(id, credentials);
      if (++made % 200 === 0) say(`enrolled ${made} devices`);
    }
    return { id, credentials: { ...credentials, ca: platform.ca } };
  });
  return devices;
}
