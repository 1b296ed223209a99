import type { ServerDuplexStream, UntypedServiceImplementation } from '@grpc/grpc-js';

import { readAcknowledge, readModifyAckDeadline } from './ack-requests.ts';
import type { Broker } from './broker.ts';
import { invalid, unimplemented } from './errors.ts';
import type { Log } from './log.ts';
import { projectPrefix } from './names.ts';
import { page } from './paging.ts';
import { pull } from './pull.ts';
import { type Duration, durationMs, type SubscriptionConfig } from './resources.ts';
import { StreamingPull } from './streaming-pull.ts';
import { answer, answerRaw } from './unary.ts';

type Named = { subscription?: string };

const EMPTY = Buffer.alloc(0);
const MAX_DEADLINE_SECONDS = 600;

const noSnapshots = (): never => {
  throw unimplemented('snapshots: this local server has none; seek to a time instead (Seek with "time")');
};

/** google.pubsub.v1.Subscriber. `streams` gets every open streaming pull, so that the server can end them. */
export function subscriberService(broker: Broker, log: Log, streams: Set<StreamingPull>): UntypedServiceImplementation {
  return {
    CreateSubscription: answer(log, (request: SubscriptionConfig) => broker.createSubscription(request)),
    GetSubscription: answer(log, ({ subscription }: Named) => broker.describe(broker.subscription(subscription ?? ''))),
    UpdateSubscription: answer(
      log,
      (request: { subscription?: SubscriptionConfig; updateMask?: { paths?: string[] } | null }) =>
        broker.updateSubscription(request.subscription ?? { name: '', topic: '' }, request.updateMask?.paths ?? []),
    ),
    ListSubscriptions: answer(log, (request: { project?: string; pageSize?: number; pageToken?: string }) => {
      const prefix = projectPrefix('subscriptions', request.project);
      const all = [...broker.subscriptions.values()].filter((one) => one.name.startsWith(prefix));
      const { items, nextPageToken } = page(all, (one) => one.name, request);
      return { subscriptions: items.map((one) => broker.describe(one)), nextPageToken };
    }),
    DeleteSubscription: answer(log, ({ subscription }: Named) => {
      broker.deleteSubscription(subscription ?? '');
      return {};
    }),
    ModifyPushConfig: answer(
      log,
      ({ subscription, pushConfig }: Named & { pushConfig?: { pushEndpoint?: string } }) => {
        broker.subscription(subscription ?? '');
        if (!pushConfig?.pushEndpoint) return {};
        throw unimplemented('push_config.push_endpoint: this local server has pull delivery only; leave it empty');
      },
    ),
    Seek: answer(log, (request: Named & { time?: Duration | null; snapshot?: string }) => {
      if (request.snapshot) return noSnapshots();
      if (!request.time) throw invalid('time: missing; give the time to seek to');
      broker.seek(request.subscription ?? '', durationMs(request.time));
      return {};
    }),
    CreateSnapshot: answer(log, noSnapshots),
    GetSnapshot: answer(log, noSnapshots),
    ListSnapshots: answer(log, noSnapshots),
    UpdateSnapshot: answer(log, noSnapshots),
    DeleteSnapshot: answer(log, noSnapshots),
    Acknowledge: answerRaw(log, (request, _call, done, fail) => {
      const { subscription, acks } = readAcknowledge(request);
      broker.subscription(subscription).acknowledge(acks, () => done(EMPTY), fail);
    }),
    ModifyAckDeadline: answerRaw(log, (request, _call, done) => {
      const { subscription, acks, deadlineSeconds } = readModifyAckDeadline(request);
      checkDeadline(deadlineSeconds);
      broker.subscription(subscription).modify(acks, () => deadlineSeconds);
      done(EMPTY);
    }),
    Pull: answerRaw(log, (request, call, done, fail) => pull(broker, request, call, done, fail)),
    StreamingPull: (call: ServerDuplexStream<Buffer, Buffer>) => {
      const stream = new StreamingPull(broker, call, log, () => streams.delete(stream));
      streams.add(stream);
    },
  };
}

/** @throws RpcError INVALID_ARGUMENT */
export function checkDeadline(seconds: number): void {
  if (seconds < 0 || seconds > MAX_DEADLINE_SECONDS) {
    throw invalid(`ack_deadline_seconds: ${seconds}; 0 (redeliver now) to ${MAX_DEADLINE_SECONDS} are allowed`);
  }
}
