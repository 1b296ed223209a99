import { randomUUID } from 'node:crypto';
import { once } from 'node:events';

import {
  Duration,
  type Message,
  PubSub,
  type Subscription,
  type SubscriptionOptions,
  type Topic,
  v1,
} from '@google-cloud/pubsub';

/** Google's client against `host`, and names that no other test uses. */
export type Harness = {
  readonly client: PubSub;
  readonly subscriber: InstanceType<typeof v1.SubscriberClient>;
  /** A new topic with one new subscription made with `options`. */
  readonly pair: (options?: object) => Promise<{ topic: Topic; subscription: string }>;
  readonly name: (what: string) => string;
  readonly listen: (subscription: string, options?: SubscriptionOptions) => Listener;
  readonly close: () => Promise<void>;
};

export const PROJECT = 'contract-test';

export function createHarness(host: string): Harness {
  process.env['PUBSUB_EMULATOR_HOST'] = host;
  process.env['METADATA_SERVER_DETECTION'] = 'none';
  const client = new PubSub({ projectId: PROJECT });
  const [servicePath, port] = host.split(':');
  const subscriber = new v1.SubscriberClient({
    servicePath: servicePath as string,
    port: Number(port),
    sslCreds: grpcInsecure(client),
    projectId: PROJECT,
  });
  const listeners: Listener[] = [];
  const name = (what: string): string => `${what}-${randomUUID()}`;
  return {
    client,
    subscriber,
    name,
    pair: async (options = {}) => {
      const [topic] = await client.createTopic(name('topic'));
      const subscription = name('subscription');
      await client.createSubscription(topic, subscription, options);
      return { topic, subscription };
    },
    listen: (subscription, options) => {
      // Closing does not wait for a server that a test has killed.
      const closeOptions = { timeout: Duration.from({ seconds: 0 }) };
      const listener = new Listener(client.subscription(subscription, { closeOptions, ...options }));
      listeners.push(listener);
      return listener;
    },
    close: async () => {
      for (const listener of listeners) await listener.close();
      await subscriber.close();
      await client.close();
    },
  };
}

/** The credentials object of the client's own gRPC, as another copy's would not be recognised. */
function grpcInsecure(client: PubSub): never {
  const options = (client as unknown as { options: { sslCreds?: unknown } }).options;
  if (options.sslCreds === undefined) throw new Error('the client did not see PUBSUB_EMULATOR_HOST');
  return options.sslCreds as never;
}

/** Collects messages; each is left to the test to acknowledge unless `onMessage` does. */
export class Listener {
  readonly messages: Message[] = [];
  readonly #subscription: Subscription;
  #wake: () => void = () => undefined;
  #failure: Error | undefined;
  onMessage: ((message: Message) => void) | undefined;

  constructor(subscription: Subscription) {
    this.#subscription = subscription;
    subscription.on('message', (message) => {
      this.messages.push(message);
      this.onMessage?.(message);
      this.#wake();
    });
    subscription.on('error', (error) => {
      this.#failure = error;
      this.#wake();
    });
  }

  /** Waits until `count` messages have come in all, and returns them. */
  async count(count: number): Promise<Message[]> {
    await this.until(() => this.messages.length >= count);
    return this.messages;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The error that ended the subscription. */
  async error(): Promise<Error & { code?: number }> {
    if (this.#failure === undefined) await once(this.#subscription, 'error');
    return this.#failure as Error;
  }

  async close(): Promise<void> {
    if (this.#subscription.isOpen) await this.#subscription.close();
  }
}

export const texts = (messages: readonly Message[]): string[] => messages.map((message) => message.data.toString());
