import { createLog } from '../../platform/service/log.ts';
import { startRedisStandIn } from './server.ts';

/** The Redis stand-in as a process of its own: `REDIS_PORT=6379 node runtime/local/redis/main.ts`. */
const log = createLog({ service: 'redis', instance: 'stand-in', level: process.env['IOT_LOG_LEVEL'] ?? 'info' });
const portText = process.env['REDIS_PORT'] ?? '6379';
const port = Number(portText);
if (!/^\d{1,5}$/.test(portText) || port < 1 || port > 65_535) {
  process.stderr.write(`redis: REDIS_PORT is '${portText}', allowed is 1 to 65535\n`);
  process.exit(2);
}

const server = await startRedisStandIn({
  port,
  onProblem: (problem, error) => (error === undefined ? log.warn(problem) : log.error({ error }, problem)),
}).catch((error: NodeJS.ErrnoException) => {
  log.fatal({ port, reason: error.message }, error.code === 'EADDRINUSE' ? 'port is taken' : 'not started');
  process.exit(1);
});
log.info({ port: server.port, pid: process.pid }, 'started');

let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    void server.close().then(() => {
      log.info({ signal }, 'stopped');
      process.exit(0);
    });
  });
}
