import type { UntypedServiceImplementation } from '@grpc/grpc-js';

import type { Broker } from './broker.ts';
import type { Log } from './log.ts';
import { projectPrefix } from './names.ts';
import { page } from './paging.ts';
import type { TopicConfig } from './resources.ts';
import { answer, answerRaw } from './unary.ts';
import { readPublishRequest, writePublishResponse } from './wire.ts';

type Page = { pageSize?: number; pageToken?: string };
type Mask = { updateMask?: { paths?: string[] } | null };

/** google.pubsub.v1.Publisher. */
export function publisherService(broker: Broker, log: Log): UntypedServiceImplementation {
  return {
    CreateTopic: answer(log, (request: TopicConfig) => broker.createTopic(request)),
    UpdateTopic: answer(log, ({ topic, updateMask }: { topic?: TopicConfig } & Mask) =>
      broker.updateTopic(topic ?? { name: '' }, updateMask?.paths ?? []),
    ),
    GetTopic: answer(log, ({ topic }: { topic?: string }) => broker.topic(topic ?? '').config),
    DeleteTopic: answer(log, ({ topic }: { topic?: string }) => {
      broker.deleteTopic(topic ?? '');
      return {};
    }),
    ListTopics: answer(log, (request: { project?: string } & Page) => {
      const prefix = projectPrefix('topics', request.project);
      const all = [...broker.topics.values()].filter((topic) => topic.name.startsWith(prefix));
      const { items, nextPageToken } = page(all, (topic) => topic.name, request);
      return { topics: items.map((topic) => topic.config), nextPageToken };
    }),
    ListTopicSubscriptions: answer(log, (request: { topic?: string } & Page) => {
      const all = [...broker.topic(request.topic ?? '').subscriptions].filter((one) => !one.detached);
      const { items, nextPageToken } = page(all, (one) => one.name, request);
      return { subscriptions: items.map((one) => one.name), nextPageToken };
    }),
    ListTopicSnapshots: answer(log, ({ topic }: { topic?: string }) => {
      broker.topic(topic ?? '');
      return { snapshots: [] };
    }),
    DetachSubscription: answer(log, ({ subscription }: { subscription?: string }) => {
      broker.detachSubscription(subscription ?? '');
      return {};
    }),
    Publish: answerRaw(log, (request, _call, done, fail) => {
      const { topic, messages } = readPublishRequest(request);
      broker.publish(topic, messages, (firstId) => done(writePublishResponse(firstId, messages.length)), fail);
    }),
  };
}
