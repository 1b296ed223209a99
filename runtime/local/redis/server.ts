import { createServer, type Socket } from 'node:net';
import { cacheScripts } from '../../platform/cache/scripts/index.ts';
import { createChannels } from './channels.ts';
import { serverVersion } from './commands/server.ts';
import { Keyspace } from './keyspace.ts';
import { CommandError, createCommandParser, defaultProtocolBounds, encodeReply, type ProtocolBounds } from './resp.ts';
import { createScripts } from './scripts.ts';
import { createSession, type Engine, type SessionBounds } from './session.ts';

export type StandInBounds = {
  clients: number;
  /** Bytes waiting for a client that does not read; above it the client is closed. */
  outputBytes: number;
  protocol: ProtocolBounds;
  session: SessionBounds;
};

export const defaultBounds: StandInBounds = {
  clients: 1_000,
  outputBytes: 32 * 1024 * 1024,
  protocol: defaultProtocolBounds,
  session: { memoryBytes: 256 * 1024 * 1024, queuedCommands: 65_536, subscriptions: 10_000 },
};

export type StandInOptions = {
  /** TCP port of 127.0.0.1; 0 lets the system choose. */
  port: number;
  /** Epoch ms; expiry goes by it. */
  clock?: () => number;
  bounds?: Partial<StandInBounds>;
  /** Told of faults of the stand-in itself and of clients that were closed, with the reason. */
  onProblem?: (problem: string, error?: unknown) => void;
};

export type StandIn = { port: number; close: () => Promise<void> };

const sweepEveryMs = 100;
const sweepKeys = 200;
/** Clients that are being told that there are too many; more are cut off without a word. */
const refusedAtOnce = 64;
const leaveWithinMs = 1_000;
/** Bytes of replies gathered before they are handed to the socket. */
const replyChunk = 256 * 1024;

/**
 * A stand-in for Redis, for machines without one: RESP2, the commands that the platform uses, data in memory only.
 * @throws when the port is taken.
 */
export async function startRedisStandIn(options: StandInOptions): Promise<StandIn> {
  const clock = options.clock ?? Date.now;
  const bounds = { ...defaultBounds, ...options.bounds };
  const problem = options.onProblem ?? (() => undefined);
  const keys = new Keyspace(clock);
  const sockets = new Set<Socket>();
  const engine: Engine = {
    keys,
    channels: createChannels(),
    scripts: createScripts(cacheScripts),
    bounds: bounds.session,
    info: () => infoText(keys, sockets.size, bounds.session.memoryBytes),
    onFault: (error, command) => problem(`fault in ${command}`, error),
  };
  let clients = 0;

  const server = createServer({ noDelay: true }, (socket) => {
    const refused = sockets.size >= bounds.clients;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    if (refused) {
      socket.on('error', () => socket.destroy());
      socket.resume();
      return leave(socket, '-ERR max number of clients reached\r\n');
    }
    clients += 1;
    serve(socket, engine, { id: clients, bounds, problem });
  });
  server.maxConnections = bounds.clients + refusedAtOnce;
  const sweep = setInterval(() => {
    for (let round = 0; round < 16; round += 1) {
      const { seen, freed } = keys.expireSome(sweepKeys);
      if (seen < sweepKeys || freed * 4 < seen) return; // go on only while much of it was expired
    }
  }, sweepEveryMs).unref();

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  server.on('error', (error) => problem('listener failed', error));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        clearInterval(sweep);
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Sends the last words and closes; a client that does not close its side in time is cut off. */
function leave(socket: Socket, text: string): void {
  socket.end(text, 'latin1');
  const deadline = setTimeout(() => socket.destroy(), leaveWithinMs); // not setTimeout of the socket: that counts idle time
  socket.once('close', () => clearTimeout(deadline));
}

type ServeOptions = { id: number; bounds: StandInBounds; problem: (problem: string, error?: unknown) => void };

function serve(socket: Socket, engine: Engine, { id, bounds, problem }: ServeOptions): void {
  const parser = createCommandParser(bounds.protocol);
  let waiting: Iterator<string[]> = [].values(); // commands that came and are not done
  let fatal: string | null = null; // protocol error behind them
  let pushed = ''; // published messages that go out together at the end of this turn
  const session = createSession(engine, id, (text) => {
    if (pushed === '') setImmediate(flush);
    pushed += text;
  });

  function flush(): void {
    const text = pushed;
    pushed = '';
    write(text);
  }

  function write(text: string): void {
    if (text === '' || !socket.writable) return;
    if (socket.writableLength + text.length > bounds.outputBytes && socket.writableLength > 0) {
      problem(`client ${id} closed: it does not read, ${bounds.outputBytes} bytes were waiting`);
      socket.destroy();
    } else socket.write(text, 'latin1');
  }

  /** Does what is waiting while the client takes its replies; goes on, and reads on, when it has taken them. */
  function work(): void {
    let replies = pushed; // what was published before comes before these replies
    pushed = '';
    while (!socket.writableNeedDrain && !session.quitting()) {
      const { value: command, done } = waiting.next();
      if (done) break;
      replies += session.execute(command);
      if (replies.length > replyChunk) {
        write(replies);
        replies = '';
      }
    }
    write(replies);
    if (socket.writableNeedDrain && !socket.destroyed) {
      socket.pause();
      socket.once('drain', work);
      return;
    }
    if (fatal !== null) write(encodeReply(new CommandError(`ERR Protocol error: ${fatal}`)));
    if (fatal !== null || session.quitting()) leave(socket, '');
    else socket.resume();
  }

  socket.on('data', (chunk) => {
    if (fatal !== null || session.quitting()) return;
    const { commands, error } = parser.push(chunk);
    waiting = commands.values();
    if (error !== null) problem(`client ${id} closed: protocol error: ${error}`);
    fatal = error;
    work();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') problem(`client ${id}: ${error.message}`);
    socket.destroy();
  });
  socket.on('close', () => session.end());
}

function infoText(keys: Keyspace, clients: number, memoryBytes: number): string {
  return [
    '# Server',
    `redis_version:${serverVersion}`,
    'server_name:iot-redis-stand-in',
    'redis_mode:standalone',
    `process_id:${process.pid}`,
    '# Clients',
    `connected_clients:${clients}`,
    '# Memory',
    `used_memory:${keys.bytes}`,
    `maxmemory:${memoryBytes}`,
    'maxmemory_policy:noeviction',
    '# Persistence',
    'loading:0',
    '# Replication',
    'role:master',
    '# Keyspace',
    ...(keys.size > 0 ? [`db0:keys=${keys.size},expires=${keys.expiringSize},avg_ttl=0`] : []),
    '',
  ].join('\r\n');
}
