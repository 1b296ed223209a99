import type pg from 'pg';
import type { Google } from '../../platform/google/google.ts';
import { openSigningKey } from '../../platform/google/signing-key.ts';
import type { Log } from '../../platform/service/log.ts';
import { type Issuer, keyIssuer } from './issuer.ts';
import { type IssuingAuthority, newestAuthority, trustedAuthorities } from './issuing-authorities.ts';
import { remoteKeys } from './remote-key.ts';
import { x509 } from './x509.ts';

/** How often a certificate that the `authority` job renewed is looked for. */
const refreshMs = 10 * 60_000;

/**
 * Our issuer with its key in KMS. The CA's certificate stands in the core database, where `jobs authority` put it.
 * @throws Error when there is none for this key; GoogleError when KMS does not answer.
 */
export async function openKmsIssuer(
  { google, core, log }: { google: Google; core: Pick<pg.Pool, 'query'>; log: Log },
  { key: keyName, rootPool }: { key: string; rootPool: string },
): Promise<Issuer> {
  const key = await openSigningKey(google, keyName);
  const keys = await remoteKeys(key);
  const issuerOf = ({ certificate, root, chain }: IssuingAuthority): Issuer => {
    const parsed = new x509.X509Certificate(certificate);
    return keyIssuer({ key: keys.privateKey, certificate: parsed, crypto: keys.crypto }, root, chain);
  };
  let authority = await newestAuthority(core, keyName, rootPool);
  if (authority === undefined)
    throw new Error(`the core database has no CA certificate for ${keyName} below ${rootPool}: run \`jobs authority\``);
  let issuer = issuerOf(authority);
  const refresh = async (): Promise<void> => {
    const newest = await newestAuthority(core, keyName, rootPool);
    if (newest === undefined || newest.serial === authority?.serial) return;
    issuer = issuerOf(newest);
    authority = newest;
    log.info({ serial: newest.serial, notAfter: newest.notAfter }, 'issuing CA has a new certificate');
  };
  const timer = setInterval(() => {
    refresh().catch((error: unknown) =>
      log.warn({ error: String(error) }, 'issuing CA not looked up; the last certificate stays in use'),
    );
  }, refreshMs).unref();
  return {
    get notAfter() {
      return issuer.notAfter;
    },
    issue: (plan) => issuer.issue(plan),
    trusted: () => trustedAuthorities(core),
    stop: () => clearInterval(timer),
  };
}
