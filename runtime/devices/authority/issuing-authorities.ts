import { X509Certificate } from 'node:crypto';
import type pg from 'pg';

/** Certificate of the issuing CA whose key is in KMS, as the root signed it. PEM, each with a line end. */
export type IssuingAuthority = {
  serial: string;
  certificate: string;
  /** CAs between it and the root; usually empty. */
  chain: string;
  root: string;
  notAfter: Date;
};

type Sql = Pick<pg.Pool, 'query'>;
const columns = 'serial, certificate, chain, root, not_after as "notAfter"';

/** The one that signs now: the newest of this key below this root. */
export async function newestAuthority(core: Sql, key: string, rootPool: string): Promise<IssuingAuthority | undefined> {
  const { rows } = await core.query<IssuingAuthority>(
    `select ${columns} from issuing_authorities where key = $1 and root_pool = $2 order by not_after desc limit 1`,
    [key, rootPool],
  );
  return rows[0];
}

export async function storeAuthority(core: Sql, key: string, rootPool: string, made: IssuingAuthority): Promise<void> {
  await core.query(
    `insert into issuing_authorities (serial, key, root_pool, certificate, chain, root, not_after)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict (serial) do nothing`,
    [made.serial, key, rootPool, made.certificate, made.chain, made.root, made.notAfter],
  );
}

/**
 * PEM of every CA below which a device's certificate may be good: issuing CAs that are not over, whatever key and pool, and
 * their roots; each once.
 */
export async function trustedAuthorities(core: Sql): Promise<string[]> {
  const { rows } = await core.query<{ certificate: string; chain: string; root: string }>(
    'select certificate, chain, root from issuing_authorities where not_after > now() order by not_after desc limit 100',
  );
  const all = rows.flatMap(({ certificate, chain, root }) => [certificate, ...blocks(chain), root]);
  return [...new Set(all)];
}

/** Blocks of a text of several certificates. */
export function blocks(pems: string): string[] {
  return (pems.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((block) => `${block}\n`);
}

/** What a certificate says, for the row that remembers it. */
export function authorityOf(certificate: string, chain: readonly string[]): IssuingAuthority {
  const { serialNumber, validToDate } = new X509Certificate(certificate);
  return {
    serial: serialNumber.toLowerCase(),
    certificate,
    chain: chain.slice(0, -1).join(''),
    root: chain.at(-1) ?? '',
    notAfter: validToDate,
  };
}
