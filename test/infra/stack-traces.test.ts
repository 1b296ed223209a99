import { createRequire } from 'node:module';
import * as pulumi from '@pulumi/pulumi';
import { expect, test } from 'vitest';
import { withoutStackTraces } from '../../infra/recording/stack-traces.ts';

const require = createRequire(import.meta.url);
const debuggable = require('@pulumi/pulumi/runtime/debuggable') as {
  debuggablePromise(promise: Promise<unknown>, context?: unknown): Promise<unknown>;
};
/** What the SDK notes at one of its promises. */
async function traced(): Promise<string> {
  const promise = Promise.resolve() as Promise<void> & { _debugStackTrace: string };
  await debuggable.debuggablePromise(promise, 'a test');
  return promise._debugStackTrace;
}
const positions = () => (pulumi.Resource as unknown as { callsites(): object[] }).callsites().length;

test('a recording asks the SDK for no stack traces, and errors of the program keep theirs', async () => {
  await withoutStackTraces(async () => {
    expect(await traced()).not.toContain('\n');
    expect(positions()).toBe(0);
    expect(new Error('of the program').stack).toContain('\n');
  });
  await expect(withoutStackTraces(() => Promise.reject(new Error('ends badly')))).rejects.toThrow('ends badly');
  expect(await traced()).toContain('\n');
  expect(positions()).toBeGreaterThan(0);
});
