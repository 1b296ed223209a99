import type { Output } from './output.ts';

/** What a command gets from outside: the environment, and where it writes. */
export type Context = { env: Record<string, string | undefined>; output: Output };
