import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Log } from '../platform/service/log.ts';

export type TlsFiles = SecureContextOptions & {
  /**
   * Bound to the authority: a ticket given out under another one does not resume, since resumption skips the check of the
   * chain.
   */
  sessionIdContext: string;
  ticketKeys: Buffer | undefined;
};

export const ticketKeyBytes = 48;
/** How long a device may resume without a full handshake, seconds. Blocks and revocations are checked at each CONNECT. */
export const ticketSeconds = 86_400;

/**
 * `server.pem`, `server.key`, `devices-ca.pem` and, where several processes share the load, `ticket.key` (48 bytes).
 * @throws naming the file; also when certificate and key do not fit together.
 */
export async function readTlsFiles(folder: string): Promise<TlsFiles> {
  const [cert, key, ca] = await Promise.all(
    ['server.pem', 'server.key', 'devices-ca.pem'].map((name) => readFile(join(folder, name))),
  );
  const ticketKeys = await readFile(join(folder, 'ticket.key')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (ticketKeys !== undefined && ticketKeys.length !== ticketKeyBytes)
    throw new Error(`${join(folder, 'ticket.key')} has ${ticketKeys.length} bytes, allowed are ${ticketKeyBytes}`);
  const files = {
    cert: cert as Buffer,
    key: key as Buffer,
    ca: ca as Buffer,
    minVersion: 'TLSv1.2' as const,
    sessionTimeout: ticketSeconds,
    sessionIdContext: createHash('sha256')
      .update(ca as Buffer)
      .digest('hex')
      .slice(0, 32),
    ticketKeys,
  };
  createSecureContext(files); // throws when certificate and key do not fit
  return files;
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

function fingerprint({ cert, key, ca, ticketKeys }: TlsFiles): string {
  const hash = createHash('sha256');
  for (const part of [cert, key, ca, ticketKeys ?? '']) hash.update(part as Buffer).update('|');
  return hash.digest('hex');
}
