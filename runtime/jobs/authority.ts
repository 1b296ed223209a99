import type { z } from 'zod';
import type { AuthoritySettings } from '../contracts/settings/jobs.ts';
import { newestAuthority, storeAuthority } from '../devices/authority/issuing-authorities.ts';
import { isDue, signAuthority } from '../devices/authority/sign-authority.ts';
import { createPool } from '../platform/database/pool.ts';
import { connectGoogle } from '../platform/google/google.ts';
import { openSigningKey } from '../platform/google/signing-key.ts';
import type { Log } from '../platform/service/log.ts';

/**
 * Sees to it that the issuing CA's key in KMS has a certificate of the root with a third of its life left at least, and
 * that it stands in the core database. Run again it does nothing. Services find a new one within ten minutes.
 */
export async function ensureAuthority(
  settings: Readonly<z.output<typeof AuthoritySettings>>,
  log: Log,
  clock: () => number = Date.now,
): Promise<{ serial: string; made: boolean }> {
  const { IOT_CA_KMS_KEY: keyName, IOT_CA_ROOT_POOL: rootPool, IOT_GOOGLE_ENDPOINT: endpoint } = settings;
  const bounds = { application: 'jobs', max: 1, connectMs: 10_000, statementMs: 10_000, google: endpoint };
  const core = createPool({ ...bounds, name: 'core', url: settings.IOT_CORE_DATABASE_URL }, log);
  try {
    const present = await newestAuthority(core, keyName, rootPool);
    if (present !== undefined && !isDue(present, clock())) {
      log.info({ serial: present.serial, notAfter: present.notAfter }, 'the issuing CA has its certificate');
      return { serial: present.serial, made: false };
    }
    const google = connectGoogle({ endpoint });
    const key = await openSigningKey(google, keyName);
    const root = { pool: rootPool, template: settings.IOT_CA_TEMPLATE, years: settings.IOT_CA_YEARS };
    const made = await signAuthority(google, key, root, clock());
    await storeAuthority(core, keyName, rootPool, made);
    log.info({ serial: made.serial, notAfter: made.notAfter }, 'the root signed a certificate for the issuing CA');
    return { serial: made.serial, made: true };
  } finally {
    await core.end();
  }
}
