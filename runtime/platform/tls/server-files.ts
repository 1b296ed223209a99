import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Log } from '../service/log.ts';

/** Certificate (with chain) and key of a server that trusts nobody by TLS. */
export type ServerFiles = { cert: Buffer; key: Buffer };

/** `server.pem` and `server.key`. @throws naming the file; also when the two do not fit together. */
export async function readServerFiles(folder: string): Promise<ServerFiles> {
  const [cert, key] = await Promise.all([readFile(join(folder, 'server.pem')), readFile(join(folder, 'server.key'))]);
  createSecureContext({ cert, key });
  return { cert, key };
}

/**
 * Calls `onChange` when the files have changed and fit together. A server that renews in weeks is looked at each half
 * minute. @returns function that ends it.
 */
export function watchServerFiles(
  folder: string,
  log: Log,
  onChange: (files: ServerFiles) => void,
  everyMs = 30_000,
): () => void {
  let last: Buffer | undefined;
  const look = async () => {
    try {
      const files = await readServerFiles(folder);
      if (last !== undefined && !last.equals(files.cert)) {
        onChange(files);
        log.info({ folder }, 'server certificate reloaded');
      }
      last = files.cert;
    } catch (error) {
      log.warn({ error, folder }, 'server certificate not reloaded, the old one stays in use');
    }
  };
  void look();
  const timer = setInterval(() => void look(), everyMs).unref();
  return () => clearInterval(timer);
}
