import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * Three projects: `unit` starts no process, `integration` starts real parts (Postgres, Redis, the Pub/Sub server,
 * brokers) one file at a time per worker, `e2e` starts the whole platform and owns the machine while it runs.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: ['test/**/*.int.test.ts', 'test/**/*.e2e.test.ts'],
          // One load of the SDKs a worker, not a file: no unit test may replace a module (`npm run check` holds that).
          pool: 'threads',
          isolate: false,
          maxWorkers: availableParallelism(),
          restoreMocks: true,
          unstubGlobals: true,
          unstubEnvs: true,
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/**/*.int.test.ts'],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/**/*.e2e.test.ts'],
          pool: 'forks',
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
