import type pg from 'pg';
import { connectGoogle } from '../../platform/google/google.ts';
import { openSecret } from '../../platform/google/secret.ts';
import type { Log } from '../../platform/service/log.ts';
import { fixedKeyRing, type KeyRing } from './key-ring.ts';
import { ensureIdentityKeys } from './keys.ts';
import { openSecretKeys } from './secret-keys.ts';

export type KeySettings = {
  IOT_KEYS_DIR?: string | undefined;
  IOT_KEYS_SECRET?: string | undefined;
  IOT_KEYS_ROTATION_DAYS: number;
  IOT_GOOGLE_ENDPOINT?: string | undefined;
};

/** The authorization server's keys where the settings say: a folder, or a secret in Secret Manager. */
export async function openIdentityKeys(settings: KeySettings, core: pg.Pool, log: Log): Promise<KeyRing> {
  if (settings.IOT_KEYS_DIR !== undefined) return fixedKeyRing(await ensureIdentityKeys(settings.IOT_KEYS_DIR));
  if (settings.IOT_KEYS_SECRET === undefined)
    throw new Error('the settings name no place of keys; their schema refuses that (ApiSettings)');
  const google = connectGoogle({ endpoint: settings.IOT_GOOGLE_ENDPOINT });
  const secret = openSecret(google, settings.IOT_KEYS_SECRET);
  return await openSecretKeys({ secret, core, rotationDays: settings.IOT_KEYS_ROTATION_DAYS, log });
}
