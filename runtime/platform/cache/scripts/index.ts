import { holdConnection, releaseConnection } from './hold-connection.ts';
import { newestState } from './newest-state.ts';
import type { CacheScript } from './script.ts';
import { takeToken } from './take-token.ts';

/** Every script of the platform. A script that is not here is neither loaded by the client nor run by the stand-in. */
export const cacheScripts: readonly CacheScript<never, unknown>[] = [
  newestState,
  takeToken,
  holdConnection,
  releaseConnection,
];

export { holdConnection, newestState, releaseConnection, takeToken };
