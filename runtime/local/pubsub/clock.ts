/** Time as the server sees it: epoch milliseconds. Injected, so that a lease of an hour can be tested in a second. */
export type Clock = {
  readonly now: () => number;
};

/** A clock that tests move forward; `onAdvance` lets the server look for expired leases at once. */
export type AdjustableClock = Clock & {
  readonly advance: (milliseconds: number) => void;
  readonly onAdvance: (listener: () => void) => void;
};

export const systemClock: Clock = { now: Date.now };

/** Real time plus an offset that only grows. Reachable in a server process through `PUBSUB_CLOCK_CONTROL` only. */
export function createAdjustableClock(base: Clock = systemClock): AdjustableClock {
  let offset = 0;
  const listeners: (() => void)[] = [];
  return {
    now: () => base.now() + offset,
    advance: (milliseconds) => {
      if (!Number.isFinite(milliseconds) || milliseconds < 0) {
        throw new RangeError(
          `advance: ${milliseconds} ms; allowed: a finite number of 0 or more (time never goes back)`,
        );
      }
      offset += milliseconds;
      for (const listener of listeners) listener();
    },
    onAdvance: (listener) => {
      listeners.push(listener);
    },
  };
}
