import { PubSub, v1 } from '@google-cloud/pubsub';
import { credentials } from '@grpc/grpc-js';
import { busName } from '../../contracts/bus.ts';

export type BusSettings = { IOT_PUBSUB_PROJECT: string; PUBSUB_EMULATOR_HOST?: string | undefined };

/** One process's connection to Pub/Sub: the hand-written client for subscribing, the generated one for publishing. */
export type BusClient = {
  project: string;
  pubsub: PubSub;
  /**
   * Google's generated Publisher client. `PubSub#topic().publish` above it copies every batch deeply and costs more CPU
   * per message; docs/decisions/0007 has the numbers.
   */
  publisher: v1.PublisherClient;
  /** Google's generated Subscriber client; see `createSubscriber` for why. */
  subscriber: v1.SubscriberClient;
  /** `projects/{project}/topics/{namespace}-{topic}`. */
  topicPath(namespace: string, topic: string): string;
  /** `projects/{project}/subscriptions/{namespace}-{subscription}`. */
  subscriptionPath(namespace: string, subscription: string): string;
  close(): Promise<void>;
};

/** gRPC's own reconnect back-off ends at 120 s: after an outage that would be two minutes of nothing. */
const channelOptions = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
};

/**
 * Connects lazily: nothing is sent before the first call. With `PUBSUB_EMULATOR_HOST` the connection is plain text to
 * that address, without credentials.
 */
export function createBusClient(settings: BusSettings): BusClient {
  const project = settings.IOT_PUBSUB_PROJECT;
  const emulator = settings.PUBSUB_EMULATOR_HOST;
  // google-auth-library otherwise looks for a metadata server, warns, and delays the first call by seconds. It has no
  // option for this, only the variable: https://github.com/googleapis/gcp-metadata#environment-variables
  if (emulator !== undefined) process.env['METADATA_SERVER_DETECTION'] ??= 'none';
  const pubsub = new PubSub({
    projectId: project,
    ...channelOptions,
    ...(emulator === undefined ? {} : { apiEndpoint: emulator, emulatorMode: true }),
  });
  const publisher = new v1.PublisherClient({
    projectId: project,
    ...channelOptions,
    ...(emulator === undefined ? {} : plainAddress(emulator)),
  });
  const subscriber = new v1.SubscriberClient({
    projectId: project,
    ...channelOptions,
    ...(emulator === undefined ? {} : plainAddress(emulator)),
  });
  return {
    project,
    pubsub,
    publisher,
    subscriber,
    topicPath: (namespace, topic) => `projects/${project}/topics/${busName(namespace, topic)}`,
    subscriptionPath: (namespace, name) => `projects/${project}/subscriptions/${busName(namespace, name)}`,
    close: async () => {
      await Promise.all([pubsub.close(), publisher.close(), subscriber.close()]);
    },
  };
}

function plainAddress(address: string) {
  const at = address.lastIndexOf(':');
  return {
    servicePath: address.slice(0, at),
    port: Number(address.slice(at + 1)),
    sslCreds: credentials.createInsecure(),
  };
}
