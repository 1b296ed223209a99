import { Server, ServerCredentials } from '@grpc/grpc-js';

import { Broker } from './broker.ts';
import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';
import type { Limits } from './delivery.ts';
import { unavailable } from './errors.ts';
import type { Change, CrashPoint } from './group-commit.ts';
import { tick, tidy } from './housekeeping.ts';
import { type Log, silentLog } from './log.ts';
import { loadServices } from './proto.ts';
import { publisherService } from './publisher-service.ts';
import { Store } from './store.ts';
import type { StreamingPull } from './streaming-pull.ts';
import { subscriberService } from './subscriber-service.ts';
import { LIMITS } from './wire.ts';

export type PubSubOptions = {
  /** TCP port on 127.0.0.1; 0: any free one. */
  readonly port?: number;
  /** Folder of the database; created when missing. One server a folder. */
  readonly dataDir: string;
  readonly clock?: Clock;
  readonly log?: Log;
  /** How much of each backlog is held in memory. */
  readonly limits?: Limits;
  /** For tests: called before and after each COMMIT with the kinds of change in it. */
  readonly onCrashPoint?: (point: CrashPoint, kinds: ReadonlySet<Change['kind']>) => void;
};

export type PubSubServer = {
  readonly port: number;
  /** `127.0.0.1:{port}`: the value for PUBSUB_EMULATOR_HOST. */
  readonly host: string;
  readonly broker: Broker;
  /** Ends and removes what is due now instead of within a second; for clocks that jump. */
  readonly tick: () => void;
  /** Ends the streams (clients reconnect), answers what is in flight, commits, closes the database. */
  readonly close: () => Promise<void>;
};

const TICK_MS = 100;
const TIDY_EVERY = 10;
const CLOSE_DEADLINE_MS = 3_000;

/** Starts a Pub/Sub server on 127.0.0.1 for Google's own client, in plain text, without credentials. */
export async function startPubSubServer(options: PubSubOptions): Promise<PubSubServer> {
  const { clock = systemClock, log = silentLog } = options;
  const store = new Store(options.dataDir);
  const broker = new Broker({ store, clock, log, limits: options.limits, onCrashPoint: options.onCrashPoint });
  const streams = new Set<StreamingPull>();
  const server = createGrpcServer(broker, log, streams);
  const port = await bind(server, options.port ?? 0).catch((error: unknown) => {
    store.close();
    throw error;
  });
  const stopTicking = startTicking(
    () => tick(broker, store),
    () => tidy(broker, store, clock),
  );
  return {
    port,
    host: `127.0.0.1:${port}`,
    broker,
    tick: () => {
      tick(broker, store);
      tidy(broker, store, clock);
    },
    close: async () => {
      stopTicking();
      for (const stream of [...streams]) stream.end(unavailable('the server is shutting down; connect again'));
      for (const subscription of broker.subscriptions.values()) {
        subscription.endConsumers(unavailable('the server is shutting down; try again'));
      }
      broker.commits.flush();
      await shutDown(server);
      broker.commits.flush();
      store.close();
    },
  };
}

function createGrpcServer(broker: Broker, log: Log, streams: Set<StreamingPull>): Server {
  const server = new Server({
    // Above the service's own limit, so that a request too large gets our sentence instead of a closed stream.
    'grpc.max_receive_message_length': LIMITS.requestBytes + 1024 * 1024,
    'grpc.max_send_message_length': -1,
  });
  const { publisher, subscriber } = loadServices();
  server.addService(publisher, publisherService(broker, log));
  server.addService(subscriber, subscriberService(broker, log, streams));
  return server;
}

function bind(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error)
        reject(new Error(`PUBSUB_PORT: cannot listen on 127.0.0.1:${port}: ${error.message}`, { cause: error }));
      else resolve(bound);
    });
  });
}

function startTicking(onTick: () => void, onTidy: () => void): () => void {
  let count = 0;
  const timer = setInterval(() => {
    onTick();
    count += 1;
    if (count % TIDY_EVERY === 0) onTidy();
  }, TICK_MS);
  return () => clearInterval(timer);
}

function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, CLOSE_DEADLINE_MS);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
