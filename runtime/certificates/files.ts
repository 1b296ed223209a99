import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { namesOf } from './request.ts';
import type { Life } from './schedule.ts';

/** Files of the gateway's TLS folder (gateway/tls-files.ts), and the root, which tells this process what it had before. */
export type TlsFolder = {
  /** Life and root of the certificate in the folder if it is for exactly these names and fits its key. */
  present(names: readonly string[]): Promise<(Life & { root: string }) | undefined>;
  /** Key first and certificate last: a reader that finds them not to fit goes on with what it has. */
  writeServer(files: { key: string; certificate: string; root: string }): Promise<void>;
  /** Only when it differs, since each write makes the gateway load anew. @returns whether it was written */
  writeTrust(pems: string): Promise<boolean>;
  /** Only when it differs, as above. */
  writeTicketSecret(secret: Buffer): Promise<boolean>;
};

export async function openTlsFolder(dir: string): Promise<TlsFolder> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const file = (name: string) => join(dir, name);
  return {
    async present(names) {
      const [text, key, root] = await Promise.all(
        ['server.pem', 'server.key', 'root-ca.pem'].map((n) => optional(file(n))),
      );
      if (text === undefined || key === undefined || root === undefined) return undefined;
      try {
        const certificate = new X509Certificate(text);
        const held = namesOf(certificate);
        if (held.size !== names.length || !names.every((name) => held.has(name))) return undefined;
        if (!certificate.checkPrivateKey(createPrivateKey(key))) return undefined;
        return { begins: certificate.validFromDate.getTime(), ends: certificate.validToDate.getTime(), root };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code?.startsWith('ERR_OSSL') === true) return undefined; // as if absent
        throw error;
      }
    },
    async writeServer({ key, certificate, root }) {
      await replace(file('root-ca.pem'), root, 0o644);
      await replace(file('server.key'), key, 0o640);
      await replace(file('server.pem'), certificate, 0o644);
    },
    async writeTrust(pems) {
      if ((await optional(file('devices-ca.pem'))) === pems) return false;
      await replace(file('devices-ca.pem'), pems, 0o644);
      return true;
    },
    async writeTicketSecret(secret) {
      if (await isFile(file('ticket.secret'), secret)) return false;
      await replace(file('ticket.secret'), secret, 0o640);
      return true;
    },
  };
}

async function isFile(path: string, content: Buffer): Promise<boolean> {
  const held = await optional(path, 'latin1');
  return held !== undefined && Buffer.from(held, 'latin1').equals(content);
}

async function optional(path: string, encoding: 'utf8' | 'latin1' = 'utf8'): Promise<string | undefined> {
  try {
    return await readFile(path, encoding);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole or not at all: written beside, then renamed. */
async function replace(path: string, text: string | Buffer, mode: number): Promise<void> {
  const beside = await open(`${path}.new`, 'w', mode);
  try {
    await beside.writeFile(text);
    await beside.sync();
  } finally {
    await beside.close();
  }
  await chmod(`${path}.new`, mode);
  await rename(`${path}.new`, path);
}
