import { hkdfSync, randomBytes } from 'node:crypto';
import type { Server } from 'node:tls';

/** Keys change with the hour, and a ticket is good for that hour and the two after it. */
export const ticketPeriodMs = 3_600_000;
export const ticketPeriodsKept = 2;
/** How long a device may resume without a full handshake, seconds. Blocks and revocations are checked at each CONNECT. */
export const ticketSeconds = ((ticketPeriodsKept + 1) * ticketPeriodMs) / 1_000;

/** Names the key in the ticket, checks the ticket, and opens it (RFC 5077, section 4). */
export type TicketKey = { name: Buffer; hmac: Buffer; aes: Buffer };

/**
 * The key of one period: every process with the same secret makes the same one, so a device resumes at any of them and
 * nothing is handed round when the hour ends. HKDF-SHA-256; the period goes into `info`. Pure.
 */
export function ticketKey(secret: Buffer, period: number): TicketKey {
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', `iot-platform mqtt session ticket ${period}`, 64));
  return { name: bytes.subarray(0, 16), aes: bytes.subarray(16, 32), hmac: bytes.subarray(32, 64) };
}

/**
 * The keys in force: the present hour's seals, and opens with those of the two hours before and, since clocks of pods
 * differ, with the next hour's. Pure: time comes in.
 */
export class TicketKeys {
  private readonly secret: Buffer;
  private readonly held = new Map<number, TicketKey>();

  constructor(secret: Buffer) {
    this.secret = secret;
  }

  current(now: number): TicketKey {
    return this.of(periodOf(now));
  }

  /** The key that a ticket names. Undefined: a full handshake. */
  named(name: Buffer, now: number): TicketKey | undefined {
    const present = periodOf(now);
    for (let period = present + 1; period >= present - ticketPeriodsKept; period--) {
      const key = this.of(period);
      if (key.name.equals(name)) return key;
    }
    return undefined;
  }

  private of(period: number): TicketKey {
    const held = this.held.get(period);
    if (held !== undefined) return held;
    for (const old of this.held.keys()) if (Math.abs(old - period) > ticketPeriodsKept + 1) this.held.delete(old);
    const key = ticketKey(this.secret, period);
    this.held.set(period, key);
    return key;
  }
}

const periodOf = (now: number) => Math.floor(now / ticketPeriodMs);

/**
 * Answers of OpenSSL's ticket callback (SSL_CTX_set_tlsext_ticket_key_cb). A ticket taken up is followed by a new one, as
 * OpenSSL does by itself in TLS 1.3, where a ticket is for one use (RFC 8446, appendix C.4).
 */
const answers = { unknownKey: 0, sealed: 1, goodAndRenew: 2 } as const;
type TicketCallback = (name: Buffer, iv: Buffer, sealing: boolean) => [number, Buffer, Buffer, Buffer, Buffer];
type NativeContext = { onticketkeycallback?: TicketCallback; enableTicketKeyCallback?: () => void };

/**
 * Makes a server seal and open tickets with `keys`. `setTicketKeys` holds one key and would end every ticket each hour,
 * so this uses the callback of Node's native context; docs/decisions/0017 says what that costs. Call it again after
 * `setSecureContext`, which makes a new context.
 * @throws when this Node has no such callback.
 */
export function useTicketKeys(server: Server, keys: TicketKeys, now: () => number = Date.now): void {
  const { context } = (server as unknown as { _sharedCreds: { context: NativeContext } })._sharedCreds;
  if (typeof context?.enableTicketKeyCallback !== 'function')
    throw new Error(`Node ${process.version} has no ticket key callback; the gateway is tested with Node 24`);
  context.onticketkeycallback = (name, iv, sealing) => {
    if (sealing) {
      const key = keys.current(now());
      return [answers.sealed, key.hmac, key.aes, key.name, randomBytes(16)];
    }
    const found = keys.named(name, now());
    const { hmac, aes } = found ?? keys.current(now());
    return [found === undefined ? answers.unknownKey : answers.goodAndRenew, hmac, aes, name, iv];
  };
  context.enableTicketKeyCallback();
}
