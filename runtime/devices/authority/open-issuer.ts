import type pg from 'pg';
import { connectGoogle } from '../../platform/google/google.ts';
import type { Log } from '../../platform/service/log.ts';
import { casIssuer } from './cas-issuer.ts';
import type { Issuer } from './issuer.ts';
import { openKmsIssuer } from './kms-issuer.ts';
import { loadIssuer } from './local-authority.ts';

export type IssuerSettings = {
  IOT_CA_DIR?: string | undefined;
  IOT_CA_KMS_KEY?: string | undefined;
  IOT_CA_ROOT_POOL?: string | undefined;
  IOT_DEVICE_CERTIFICATES: 'kms' | 'cas';
  IOT_DEVICE_CA_POOL?: string | undefined;
  IOT_GOOGLE_ENDPOINT?: string | undefined;
};

/** A certificate is signed inside a transaction, whose connection Postgres takes away after 10 s of silence. */
const bounds = { attempts: 3, attemptMs: 2_500, totalMs: 6_000 };

/** The issuer that the settings name: key in a folder, key in KMS, or Certificate Authority Service. */
export async function openIssuer(
  settings: IssuerSettings,
  { core, log }: { core: Pick<pg.Pool, 'query'>; log: Log },
): Promise<Issuer> {
  const { IOT_CA_DIR: dir, IOT_CA_KMS_KEY: key, IOT_CA_ROOT_POOL: rootPool, IOT_DEVICE_CA_POOL: pool } = settings;
  if (dir !== undefined) return await loadIssuer(dir);
  const google = connectGoogle({ endpoint: settings.IOT_GOOGLE_ENDPOINT, bounds });
  if (settings.IOT_DEVICE_CERTIFICATES === 'cas' && pool !== undefined) return casIssuer({ google, core }, pool);
  if (key !== undefined && rootPool !== undefined) return await openKmsIssuer({ google, core, log }, { key, rootPool });
  throw new Error('the settings name no authority; their schema refuses that (DevicesSettings)');
}
