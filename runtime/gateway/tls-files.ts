import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ticketSecretBytes } from '../contracts/tls.ts';
import type { Log } from '../platform/service/log.ts';
import { ticketSeconds } from './ticket-keys.ts';

export type TlsFiles = {
  context: SecureContextOptions & {
    /**
     * Bound to the authority: a ticket given out under another one does not resume, since resumption skips the check of
     * the chain.
     */
    sessionIdContext: string;
  };
  /** What the keys of session tickets are made from, the same in all processes behind one address. */
  ticketSecret: Buffer | undefined;
};

/**
 * `server.pem`, `server.key`, `devices-ca.pem` and, where several processes share the load, `ticket.secret` (32 bytes).
 * @throws naming the file; also when certificate and key do not fit together.
 */
export async function readTlsFiles(folder: string): Promise<TlsFiles> {
  const [cert, key, ca] = await Promise.all(
    ['server.pem', 'server.key', 'devices-ca.pem'].map((name) => readFile(join(folder, name))),
  );
  const ticketSecret = await readFile(join(folder, 'ticket.secret')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (ticketSecret !== undefined && ticketSecret.length !== ticketSecretBytes)
    throw new Error(
      `${join(folder, 'ticket.secret')} has ${ticketSecret.length} bytes, allowed are ${ticketSecretBytes}`,
    );
  const context = {
    cert: cert as Buffer,
    key: key as Buffer,
    ca: ca as Buffer,
    minVersion: 'TLSv1.2' as const,
    sessionTimeout: ticketSeconds,
    sessionIdContext: createHash('sha256')
      .update(ca as Buffer)
      .digest('hex')
      .slice(0, 32),
  };
  createSecureContext(context); // throws when certificate and key do not fit
  return { context, ticketSecret };
}

/**
 * Calls `onChange` with the new files after they changed, once they fit together; a rotation writes several files, and in
 * between the old ones stay in use. @returns function that ends it.
 */
export function watchTlsFiles(
  folder: string,
  log: Log,
  onChange: (files: TlsFiles) => void,
  options: { settleMs: number; pollMs: number } = { settleMs: 200, pollMs: 30_000 },
): () => void {
  let last = '';
  let timer: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | undefined;
  const reload = async () => {
    try {
      const files = await readTlsFiles(folder);
      const mark = fingerprint(files);
      if (last !== '' && mark !== last) {
        onChange(files);
        log.info({ folder }, 'TLS files reloaded');
      }
      last = mark;
    } catch (error) {
      log.warn({ error, folder }, 'TLS files not reloaded, the old ones stay in use');
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void reload(), options.settleMs);
  };
  void reload();
  try {
    watcher = watch(folder, soon);
    watcher.on('error', (error) => log.warn({ error, folder }, 'TLS folder not watched, it is looked at now and then'));
  } catch (error) {
    log.warn({ error, folder }, 'TLS folder not watched, it is looked at now and then');
  }
  // A mounted Secret is swapped by a symbolic link, which some file systems do not report.
  const poll = setInterval(() => void reload(), options.pollMs);
  poll.unref();
  return () => {
    clearTimeout(timer);
    clearInterval(poll);
    watcher?.close();
  };
}

function fingerprint({ context: { cert, key, ca }, ticketSecret }: TlsFiles): string {
  const hash = createHash('sha256');
  for (const part of [cert, key, ca, ticketSecret ?? '']) hash.update(part as Buffer).update('|');
  return hash.digest('hex');
}
