import { createRequire } from 'node:module';
import * as pulumi from '@pulumi/pulumi';

const require = createRequire(import.meta.url);
type Debuggable = { debuggablePromise<T>(promise: Promise<T>, context?: unknown): Promise<T> };
/** The SDK calls it through this object, at every promise of its own. */
const debuggable = require('@pulumi/pulumi/runtime/debuggable') as Debuggable;
/** Private in the SDK's types. */
const resource = pulumi.Resource as unknown as { callsites(): readonly object[] };

/**
 * Runs something without the stack traces that the SDK takes: ten frames for each of its promises, to name one that never
 * ends, and all frames for each resource, as its source position. A recording keeps neither, and they are two thirds of
 * its time where a runner maps each frame to its source. Errors keep their traces.
 */
export async function withoutStackTraces<T>(run: () => Promise<T>): Promise<T> {
  const { debuggablePromise } = debuggable;
  const { callsites } = resource;
  debuggable.debuggablePromise = (promise, context) => {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    try {
      return debuggablePromise(promise, context);
    } finally {
      Error.stackTraceLimit = limit;
    }
  };
  resource.callsites = () => [];
  try {
    return await run();
  } finally {
    debuggable.debuggablePromise = debuggablePromise;
    resource.callsites = callsites;
  }
}
