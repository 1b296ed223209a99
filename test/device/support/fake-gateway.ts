import type { DeviceReading } from '../../../runtime/device/reading.ts';
import type { OpenSession, SessionEvents, SessionTarget } from '../../../runtime/device/session.ts';

export type Attempt = {
  target: SessionTarget;
  accept(): Promise<FakeSession>;
  refuse(reason: string): Promise<void>;
};
export type FakeSession = {
  /** Messages as published, with their readings. */
  messages: { readings: DeviceReading[]; ack: () => void }[];
  /** What else was published. */
  said: { topic: string; body: Record<string, unknown>; ack: () => void }[];
  end(reason: string): void;
  say(topic: string, payload: string): void;
  closed: boolean;
};

/** A gateway in the hand of the test: it decides when a connection opens, what is acknowledged, when it ends. */
export function fakeGateway() {
  const attempts: Attempt[] = [];
  const open: OpenSession = (target, events) =>
    new Promise((resolve, reject) => {
      attempts.push({
        target,
        async accept() {
          const { session, hand } = fakeSession(events);
          resolve(session);
          await turn();
          return hand;
        },
        async refuse(reason) {
          reject(new Error(reason));
          await turn();
        },
      });
    });
  return { open, attempts, last: () => attempts.at(-1) as Attempt };
}

function fakeSession(events: SessionEvents) {
  const hand: FakeSession = {
    messages: [],
    said: [],
    closed: false,
    end(reason) {
      if (hand.closed) return;
      hand.closed = true;
      events.onEnd(reason);
    },
    say: (topic, payload) => events.onMessage(topic, Buffer.from(payload)),
  };
  const session = {
    resumed: false,
    publish(topic: string, payload: string, done: () => void) {
      if (!topic.includes('/events')) {
        hand.said.push({ topic, body: JSON.parse(payload) as Record<string, unknown>, ack: done });
        return;
      }
      const parsed = JSON.parse(payload) as DeviceReading | DeviceReading[];
      hand.messages.push({
        readings: Array.isArray(parsed) ? parsed : [parsed],
        // Also after the end: a client library may still call back then, and the device must not mind.
        ack: done,
      });
    },
    async close() {
      hand.end('closed by the device');
    },
    destroy: (reason: string) => hand.end(reason),
  };
  return { session, hand };
}

/** Lets promise callbacks run. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
