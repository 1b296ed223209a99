import { ensureIdentityKeys, type IdentityKeys } from './keys.ts';

/** The keys where the settings say that they are. */
export async function openIdentityKeys(settings: { IOT_KEYS_DIR?: string | undefined }): Promise<IdentityKeys> {
  if (settings.IOT_KEYS_DIR !== undefined) return await ensureIdentityKeys(settings.IOT_KEYS_DIR);
  throw new Error('no place of keys in these settings');
}
