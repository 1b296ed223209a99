import type { Broker } from './broker.ts';
import type { Subscription } from './subscription.ts';

type Sample = readonly [labels: string, value: number];

/** Prometheus text (https://prometheus.io/docs/instrumenting/exposition_formats/). Labels: short topic and subscription ids. */
export function renderMetrics(broker: Broker): string {
  const topics = [...broker.topics.values()];
  const subscriptions = [...broker.subscriptions.values()];
  const perTopic = (value: (topic: (typeof topics)[number]) => number): Sample[] =>
    topics.map((topic) => [`{topic="${shortName(topic.name)}"}`, value(topic)]);
  const per = (value: (subscription: Subscription) => number): Sample[] =>
    subscriptions.map((one) => [`{subscription="${shortName(one.name)}"}`, value(one)]);
  const { commits, changes, failures, seconds } = broker.commits.stats;
  return [
    metric(
      'published_total',
      'counter',
      'Messages published',
      perTopic(({ counters }) => counters.published),
    ),
    metric(
      'published_bytes_total',
      'counter',
      'Bytes of these',
      perTopic(({ counters }) => counters.bytes),
    ),
    metric(
      'backlog_messages',
      'gauge',
      'Messages not acknowledged',
      per(({ backlog }) => backlog),
    ),
    metric(
      'oldest_unacked_seconds',
      'gauge',
      'Age of the oldest of these',
      per((one) => broker.oldestUnackedSeconds(one)),
    ),
    metric(
      'outstanding',
      'gauge',
      'Messages leased or backing off',
      per(({ queue }) => queue.outstanding),
    ),
    metric(
      'delivered_total',
      'counter',
      'Deliveries',
      per(({ counters }) => counters.delivered),
    ),
    metric(
      'acknowledged_total',
      'counter',
      'Messages acknowledged',
      per(({ counters }) => counters.acked),
    ),
    metric(
      'failed_total',
      'counter',
      'Nacks and expired leases',
      per(({ counters }) => counters.failed),
    ),
    metric(
      'dead_lettered_total',
      'counter',
      'Moved to dead letters',
      per(({ counters }) => counters.deadLettered),
    ),
    metric('commits_total', 'counter', 'Group commits, one fsync each', [['', commits]]),
    metric('commit_changes_total', 'counter', 'Requests in these', [['', changes]]),
    metric('commit_seconds_total', 'counter', 'Time in these, seconds', [['', seconds]]),
    metric('commit_failures_total', 'counter', 'Groups rolled back', [['', failures]]),
  ].join('');
}

const shortName = (name: string): string => name.split('/').at(-1) ?? name;

function metric(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `iot_pubsub_${name}${labels} ${value}\n`).join('');
  return `# HELP iot_pubsub_${name} ${help}\n# TYPE iot_pubsub_${name} ${type}\n${lines}`;
}
