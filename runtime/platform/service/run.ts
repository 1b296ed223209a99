import type { Registry } from 'prom-client';
import type { z } from 'zod';
import { createMetrics, type HealthChecks, startHealth } from './health.ts';
import { createLog, type Log } from './log.ts';
import { readSettings, SettingsError } from './settings.ts';

/** What a running service gives its process: how to stop it and how it is. */
export type Running = { stop(): Promise<void>; health: HealthChecks };
export type ServiceContext<S> = { settings: S; log: Log; metrics: Registry };

/**
 * A service's whole process: read settings, start, serve health, stop once on SIGTERM or SIGINT within a deadline.
 * Exit codes: 0 stopped in order, 1 failed, 2 wrong settings.
 */
export async function runService<S extends z.ZodObject>(options: {
  service: string;
  schema: S;
  env: Record<string, string | undefined>;
  /** Longest time from signal to exit, milliseconds. */
  stopWithinMs: number;
  start: (context: ServiceContext<Readonly<z.output<S>>>) => Promise<Running>;
}): Promise<void> {
  const { service, schema, env, stopWithinMs } = options;
  let settings: Readonly<z.output<S>>;
  try {
    settings = readSettings(service, schema, env);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
  const common = settings as unknown as {
    IOT_INSTANCE: string;
    IOT_LOG_LEVEL: string;
    IOT_BIND: string;
    IOT_HEALTH_PORT: number;
  };
  const log = createLog({ service, instance: common.IOT_INSTANCE, level: common.IOT_LOG_LEVEL });
  const metrics = createMetrics(service, common.IOT_INSTANCE);
  process.on('uncaughtException', (error) => die(log, 'uncaught exception', error));
  process.on('unhandledRejection', (error) => die(log, 'unhandled rejection', error));
  let running: Running | undefined;
  let stopping = false;
  const health = await startHealth({
    bind: common.IOT_BIND,
    port: common.IOT_HEALTH_PORT,
    metrics,
    checks: {
      live: () => running?.health.live() ?? true,
      notReady: () => (stopping ? ['stopping'] : (running?.health.notReady() ?? ['starting'])),
    },
  });
  const stop = (signal: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    const deadline = setTimeout(() => die(log, `not stopped within ${stopWithinMs} ms`, undefined), stopWithinMs);
    Promise.resolve(running?.stop())
      .then(() => health.close())
      .then(
        () => {
          clearTimeout(deadline);
          log.info('stopped');
          process.exit(0);
        },
        (error: unknown) => die(log, 'stop failed', error),
      );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  try {
    running = await options.start({ settings, log, metrics });
  } catch (error) {
    die(log, 'start failed', error);
  }
  log.info({ pid: process.pid }, 'started');
}

/** A process in an unknown state acknowledges nothing more: it ends, and its supervisor starts a new one. */
function die(log: Log, what: string, error: unknown): never {
  log.fatal({ error }, what);
  process.exit(1);
}
