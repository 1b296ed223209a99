import type { Issuer } from './issuer.ts';
import { loadIssuer } from './local-authority.ts';

export type IssuerSettings = { IOT_CA_DIR?: string | undefined; IOT_CA_KMS_KEY?: string | undefined };

/** The issuer that the settings name. */
export async function openIssuer(settings: IssuerSettings): Promise<Issuer> {
  if (settings.IOT_CA_DIR !== undefined) return await loadIssuer(settings.IOT_CA_DIR);
  throw new Error('no issuer for these settings');
}
