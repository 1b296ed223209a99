import type { IdentityKeys } from './keys.ts';

/** The authorization server's keys as they are now; they may change while it runs. */
export type KeyRing = {
  current(): IdentityKeys;
  /** Looks for newer keys, but not more often than its source can bear. @returns whether there are any */
  refresh(): Promise<boolean>;
  /** Called after each change. */
  onChange(listener: () => void): void;
  stop(): void;
};

/** Keys of a file: read once; a restart takes new ones. */
export function fixedKeyRing(keys: IdentityKeys): KeyRing {
  return { current: () => keys, refresh: async () => false, onChange: () => undefined, stop: () => undefined };
}
