/**
 * How long the acknowledgement of one message may be held. A held ack stalls the packets behind it in the same read,
 * pings included, so the device's own keepalive is the limit: half of it leaves the device time to reconnect and resend.
 */
export const holdCapMs = 10_000;
/** Below this a single slow publish call would already be an outage. */
export const holdFloorMs = 500;

/** @param keepaliveSeconds as the device asked for at CONNECT; 0 is none. @returns milliseconds. */
export function holdBudgetMs(keepaliveSeconds: number, capMs = holdCapMs): number {
  if (keepaliveSeconds <= 0) return capMs;
  return Math.max(holdFloorMs, Math.min(capMs, keepaliveSeconds * 500));
}

/**
 * How long a device may be silent before its connection is closed: one and a half keepalives (MQTT 3.1.1, 3.1.2.10), at
 * most the platform's longest. A keepalive of 0, or one above the longest, counts as the longest, as Cloud IoT Core did.
 */
export function idleLimitMs(keepaliveSeconds: number, longestSeconds: number): number {
  const counted = keepaliveSeconds <= 0 ? longestSeconds : Math.min(keepaliveSeconds, longestSeconds);
  return counted * 1_500;
}
