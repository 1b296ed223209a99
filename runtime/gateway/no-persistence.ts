import { Readable } from 'node:stream';
import type { Session } from './session.ts';

/** The part of an aedes client that its persistence is given. */
export type PersistenceClient = { session?: Session };

const nothing = () => Promise.resolve();
/** `Readable.from([])` makes a generator and three promises; one is read for each connection. */
const empty = () =>
  new Readable({
    objectMode: true,
    read() {
      this.push(null);
    },
  });
/** aedes only pipes retained messages to the subscriber: no message, no pipe. */
const noRetained = () => ({ pipe: () => undefined });

/**
 * aedes' persistence, without any: every session is a clean one, wills and retained messages are refused before they
 * come here, commands and configuration wait in the devices service. Only the QoS 2 window and what was sent and not confirmed are
 * kept, on the session.
 */
export const noPersistence = {
  broker: undefined as unknown,
  async setup(broker: unknown): Promise<void> {
    this.broker = broker;
  },
  destroy: nothing,
  storeRetained: nothing,
  createRetainedStream: noRetained,
  createRetainedStreamCombi: noRetained,
  addSubscriptions: nothing,
  removeSubscriptions: nothing,
  subscriptionsByClient: () => Promise.resolve([]),
  subscriptionsByTopic: () => Promise.resolve([]),
  cleanSubscriptions: nothing,
  countOffline: () => Promise.resolve({ subsCount: 0, clientsCount: 0 }),
  outgoingEnqueue: nothing,
  outgoingEnqueueCombi: nothing,
  outgoingUpdate: nothing,
  async outgoingClearMessageId(client: PersistenceClient, packet: { messageId: number }): Promise<void> {
    const { session } = client;
    const confirmed = session?.unconfirmed?.get(packet.messageId);
    session?.unconfirmed?.delete(packet.messageId);
    confirmed?.();
  },
  outgoingStream: empty,
  putWill: nothing,
  getWill: nothing,
  delWill: nothing,
  streamWill: empty,
  cleanIncoming: nothing,
  incomingStorePacket: nothing,
  async incomingGetPacket(client: PersistenceClient, packet: { messageId: number }): Promise<unknown> {
    if (client.session?.qos2?.get(packet.messageId) === 'stored') return packet;
    throw new Error(`no QoS 2 packet ${packet.messageId} waits for its PUBREL`);
  },
  async incomingDelPacket(client: PersistenceClient, packet: { messageId: number }): Promise<void> {
    client.session?.qos2?.delete(packet.messageId);
  },
};
