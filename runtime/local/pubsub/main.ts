import { createAdjustableClock, systemClock } from './clock.ts';
import { startHealthServer } from './health.ts';
import { createJsonLog } from './log.ts';
import { startPubSubServer } from './server.ts';
import { readSettings } from './settings.ts';

const log = createJsonLog((line) => process.stdout.write(line));

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const adjustable = settings.clockControl ? createAdjustableClock() : undefined;
  const clock = adjustable ?? systemClock;
  const server = await startPubSubServer({
    port: settings.port,
    dataDir: settings.dataDir,
    clock,
    log,
    ...(settings.crashAt === undefined ? {} : { onCrashPoint: crashAt(settings.crashAt) }),
  });
  adjustable?.onAdvance(server.tick);
  const health =
    settings.healthPort === undefined
      ? undefined
      : await startHealthServer(settings.healthPort, { broker: server.broker, adjustable });
  log('INFO', 'ready', { port: server.port, healthPort: health?.port, data: settings.dataDir, sync: 'FULL' });
  const stop = (signal: string): void => {
    log('INFO', 'stopping', { signal });
    health?.close();
    server.close().then(
      () => process.exit(0),
      (error: unknown) => fail('could not stop in order', error),
    );
  };
  process.once('SIGTERM', () => stop('SIGTERM'));
  process.once('SIGINT', () => stop('SIGINT'));
}

/** Ends the process the hard way at the named point, as a power cut would; see PUBSUB_CRASH_AT. */
function crashAt(named: string): (point: string, kinds: ReadonlySet<string>) => void {
  return (point, kinds) => {
    for (const kind of kinds) if (`${kind}:${point}` === named) process.kill(process.pid, 'SIGKILL');
  };
}

function fail(message: string, error: unknown): void {
  log('ERROR', message, { error: error instanceof Error ? error.message : String(error) });
  process.exit(1);
}

main().catch((error: unknown) => fail('could not start', error));
