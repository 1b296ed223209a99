import { randomBytes } from 'node:crypto';
import { ticketSecretBytes } from '../contracts/tls.ts';
import type { Secret } from '../platform/google/secret.ts';

/**
 * The secret that all gateways' session ticket keys are made from. The first sidecar that finds none puts one there; of
 * several that do so at the same moment all take the newest at their next look. A person rotates it by adding a version.
 * @throws when the newest version has another length, or Secret Manager does not answer.
 */
export async function sharedTicketSecret(secret: Secret, log: (version: number) => void): Promise<Buffer> {
  let newest = await secret.newest();
  if (newest === undefined) {
    log(await secret.add(randomBytes(ticketSecretBytes)));
    newest = await secret.newest();
  }
  if (newest?.value.length !== ticketSecretBytes)
    throw new Error(
      `IOT_TICKET_SECRET: version ${newest?.version} has ${newest?.value.length} bytes, needed are ${ticketSecretBytes} random ones; add another version`,
    );
  return newest.value;
}
