import { randomBytes } from 'node:crypto';
import { rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ticketSecretBytes } from '../contracts/tls.ts';

/** `ticket.secret` of the gateway's TLS folder, mode 0600: devices resume their sessions over a restart of the gateway. */
export async function ensureTicketSecret(tlsDir: string): Promise<void> {
  const path = join(tlsDir, 'ticket.secret');
  const size = await stat(path).then(
    (found) => found.size,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return 0;
      throw error;
    },
  );
  if (size === ticketSecretBytes) return;
  await writeFile(`${path}.new`, randomBytes(ticketSecretBytes), { mode: 0o600 });
  await rename(`${path}.new`, path);
}
