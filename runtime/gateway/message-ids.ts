import { randomFillSync } from 'node:crypto';

const idBytes = 16;
const pool = Buffer.allocUnsafe(idBytes * 512);
let at = pool.length;

/** A new message id: 32 lower-case hex digits, random, never all zero, so that it is a valid W3C trace id too. */
export function newMessageId(): string {
  for (;;) {
    if (at >= pool.length) {
      randomFillSync(pool);
      at = 0;
    }
    const id = pool.toString('hex', at, at + idBytes);
    at += idBytes;
    if (id !== none) return id;
  }
}

const none = '0'.repeat(32);

/** Whether a message's way is logged at info: one in 256, the same ones in every service. */
export function isLogged(id: string): boolean {
  return id.charCodeAt(31) === 48 && id.charCodeAt(30) === 48;
}
