import { randomBytes, X509Certificate } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Authority,
  type Clock,
  createIntermediate,
  createRoot,
  issueServerCertificate,
  type Random,
} from './issuance.ts';
import { type KeyIssuer, keyIssuer, pem } from './issuer.ts';
import { x509 } from './x509.ts';

/** Files of an authority's folder. Keys have mode 0600; the root's key is needed again only to make a new CA. */
export const authorityFiles = [
  'root-ca.pem',
  'root-ca.key',
  'issuing-ca.pem',
  'issuing-ca.key',
  'server-ca.pem',
  'server-ca.key',
] as const;

const rootYears = 20;
const caYears = 10;
const serverDays = 90;

const now: Clock = Date.now;
const random: Random = (n) => randomBytes(n);

/**
 * Makes the authority of one machine in `dir` unless it is there: a root, an issuing CA for devices, a CA for servers.
 * All files appear together or not at all. A folder that holds only some of them is refused: a new root beside old
 * device certificates would lock every device out.
 * @returns path of the root, which is what devices trust.
 * @throws Error naming the missing files.
 */
export async function ensureLocalAuthority(dir: string): Promise<{ rootCa: string; created: boolean }> {
  const rootCa = join(dir, 'root-ca.pem');
  const missing = await missingFiles(dir);
  if (missing.length === 0) return { rootCa, created: false };
  if (missing.length < authorityFiles.length)
    throw new Error(
      `authority folder ${dir} lacks ${missing.join(', ')}; restore them from a backup, or move the folder away to start with a new authority (every device then needs a new certificate)`,
    );
  const draft = `${dir}.new-${process.pid}-${randomBytes(4).toString('hex')}`;
  await mkdir(dirname(dir), { recursive: true });
  await mkdir(draft, { mode: 0o700 });
  try {
    await writeAuthority(draft);
    await rename(draft, dir);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    const raced = ['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '');
    if (raced && (await missingFiles(dir)).length === 0) return { rootCa, created: false };
    throw new Error(`cannot make the authority in ${dir}`, { cause: error });
  }
  return { rootCa, created: true };
}

async function writeAuthority(dir: string): Promise<void> {
  const root = await createRoot('IoT platform root', rootYears, now, random);
  const issuing = await createIntermediate(root, 'IoT platform devices CA', 'devices', caYears, now, random);
  const server = await createIntermediate(root, 'IoT platform server CA', 'servers', caYears, now, random);
  await writeDurably(join(dir, 'root-ca.pem'), pem(root.certificate), 0o644);
  await writeDurably(join(dir, 'root-ca.key'), await keyPem(root.key), 0o600);
  await writeDurably(join(dir, 'issuing-ca.pem'), pem(issuing.certificate), 0o644);
  await writeDurably(join(dir, 'issuing-ca.key'), await keyPem(issuing.key), 0o600);
  await writeDurably(join(dir, 'server-ca.pem'), pem(server.certificate), 0o644);
  await writeDurably(join(dir, 'server-ca.key'), await keyPem(server.key), 0o600);
}

/** The issuer whose key lies in an authority's folder. Reads `issuing-ca.key`, `issuing-ca.pem`, `root-ca.pem` only. */
export async function loadIssuer(dir: string): Promise<KeyIssuer> {
  return keyIssuer(await loadAuthority(dir, 'issuing-ca'), await readFile(join(dir, 'root-ca.pem'), 'utf8'));
}

/**
 * A server certificate for `hosts` in `tlsDir`: `server.pem` (leaf and CA), `server.key`, and `devices-ca.pem`, which
 * is what the gateway trusts for clients. Kept while it names the same hosts, comes from the same CA and has a third
 * of its life left; else replaced, key first and certificate last, so that a watcher who waits for `server.pem` finds
 * both.
 */
export async function ensureServerCertificate(
  dir: string,
  tlsDir: string,
  hosts: readonly string[],
  clock: Clock = now,
): Promise<{ renewed: boolean; notAfter: Date }> {
  if (hosts.length === 0) throw new Error('a server certificate needs a host name or address');
  const ca = await loadAuthority(dir, 'server-ca');
  await mkdir(tlsDir, { recursive: true, mode: 0o700 });
  const trust =
    (await readFile(join(dir, 'issuing-ca.pem'), 'utf8')) + (await readFile(join(dir, 'root-ca.pem'), 'utf8'));
  if ((await readOptional(join(tlsDir, 'devices-ca.pem'))) !== trust)
    await replace(join(tlsDir, 'devices-ca.pem'), trust, 0o644);
  const kept = await usable(tlsDir, ca, hosts, clock());
  if (kept !== undefined) return { renewed: false, notAfter: kept };
  const server = await issueServerCertificate(ca, hosts, serverDays, clock, random);
  await replace(join(tlsDir, 'server.key'), await keyPem(server.key), 0o600);
  await replace(join(tlsDir, 'server.pem'), pem(server.certificate) + pem(ca.certificate), 0o644);
  return { renewed: true, notAfter: server.certificate.notAfter };
}

/** End of the present server certificate when it can stay. */
async function usable(tlsDir: string, ca: Authority, hosts: readonly string[], at: number): Promise<Date | undefined> {
  const text = await readOptional(join(tlsDir, 'server.pem'));
  const key = await readOptional(join(tlsDir, 'server.key'));
  if (text === undefined || key === undefined) return undefined;
  const leaf = parsed(text);
  if (leaf === undefined || !leaf.verify(new X509Certificate(ca.certificate.toString('pem')).publicKey))
    return undefined;
  const begins = Date.parse(leaf.validFrom);
  const ends = Date.parse(leaf.validTo);
  if (ends - at < (ends - begins) / 3) return undefined;
  const names = new Set((leaf.subjectAltName ?? '').split(', ').map((n) => n.replace(/^(DNS|IP Address):/, '')));
  return hosts.length === names.size && hosts.every((h) => names.has(h)) ? new Date(ends) : undefined;
}

/** A server certificate that cannot be read is replaced like an expired one. */
function parsed(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('ERR_OSSL') === true) return undefined;
    throw error;
  }
}

async function loadAuthority(dir: string, name: string): Promise<Authority> {
  const certificate = new x509.X509Certificate(await readFile(join(dir, `${name}.pem`), 'utf8'));
  const der = x509.PemConverter.decodeFirst(await readFile(join(dir, `${name}.key`), 'utf8'));
  const key = await crypto.subtle.importKey('pkcs8', der, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
  return { key, certificate };
}

async function keyPem(key: CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY').trim()}\n`;
}

async function missingFiles(dir: string): Promise<string[]> {
  const found = await Promise.all(
    authorityFiles.map(async (file) => (await readOptional(join(dir, file))) !== undefined),
  );
  return authorityFiles.filter((_, i) => found[i] === false);
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function replace(path: string, text: string, mode: number): Promise<void> {
  await writeDurably(`${path}.new`, text, mode);
  await rename(`${path}.new`, path);
}

/** Written with its mode from the first byte on, and on the disk before anyone relies on it. */
async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'w', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await chmod(path, mode);
}
