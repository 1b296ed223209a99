import type { RetryPolicy } from './backoff.ts';
import { RETRY_DEFAULTS } from './backoff.ts';
import { invalid, unimplemented } from './errors.ts';
import { type Filter, parseFilter } from './filter.ts';
import { checkName } from './names.ts';

/**
 * Topics and subscriptions as callers configure them: the proto's JSON form, checked, with the service's defaults filled
 * in. Limits: https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions
 */

export type Duration = { seconds?: number; nanos?: number };

export type TopicConfig = {
  name: string;
  labels?: Record<string, string>;
  messageStoragePolicy?: object;
  kmsKeyName?: string;
  messageRetentionDuration?: Duration | null;
  schemaSettings?: object | null;
  ingestionDataSourceSettings?: object | null;
  messageTransforms?: object[];
};

export type SubscriptionConfig = {
  name: string;
  topic: string;
  ackDeadlineSeconds?: number;
  retainAckedMessages?: boolean;
  messageRetentionDuration?: Duration | null;
  labels?: Record<string, string>;
  enableMessageOrdering?: boolean;
  expirationPolicy?: { ttl?: Duration } | null;
  filter?: string;
  deadLetterPolicy?: { deadLetterTopic?: string; maxDeliveryAttempts?: number } | null;
  retryPolicy?: { minimumBackoff?: Duration | null; maximumBackoff?: Duration | null } | null;
  detached?: boolean;
  enableExactlyOnceDelivery?: boolean;
  pushConfig?: { pushEndpoint?: string } | null;
  bigqueryConfig?: object | null;
  cloudStorageConfig?: object | null;
  bigtableConfig?: object | null;
  messageTransforms?: object[];
};

/** What a subscription's configuration means to delivery; times in milliseconds. */
export type SubscriptionSettings = {
  readonly ackDeadlineMs: number;
  readonly retentionMs: number;
  readonly retainAcked: boolean;
  readonly ordered: boolean;
  readonly filter: Filter | undefined;
  readonly retry: RetryPolicy | undefined;
  readonly deadLetterTopic: string | undefined;
  readonly maxAttempts: number | undefined;
};

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;

export const durationMs = (duration: Duration): number =>
  (duration.seconds ?? 0) * 1000 + (duration.nanos ?? 0) / 1_000_000;

/** @throws RpcError INVALID_ARGUMENT for a bad value, UNIMPLEMENTED for what only the cloud has */
export function checkTopic(config: TopicConfig): TopicConfig {
  checkName('topics', config.name, 'name');
  if (config.schemaSettings) throw unimplemented(`schema_settings: this local server checks no schemas; leave it out`);
  if (config.ingestionDataSourceSettings) {
    throw unimplemented('ingestion_data_source_settings: this local server ingests from nowhere; leave it out');
  }
  refuseTransforms(config.messageTransforms);
  checkDuration('message_retention_duration', config.messageRetentionDuration, 10 * MINUTE, 31 * DAY);
  return config;
}

export const topicRetentionMs = (config: TopicConfig): number | undefined =>
  config.messageRetentionDuration ? durationMs(config.messageRetentionDuration) : undefined;

/** Checks, fills in the defaults. @throws RpcError INVALID_ARGUMENT or UNIMPLEMENTED */
export function checkSubscription(config: SubscriptionConfig): SubscriptionConfig {
  checkName('subscriptions', config.name, 'name');
  refuseCloudOnly(config);
  const ackDeadlineSeconds = config.ackDeadlineSeconds || 10;
  if (ackDeadlineSeconds < 10 || ackDeadlineSeconds > 600) {
    throw invalid(`ack_deadline_seconds: ${ackDeadlineSeconds}; 10 to 600 are allowed`);
  }
  checkDuration('message_retention_duration', config.messageRetentionDuration, 10 * MINUTE, 31 * DAY);
  if (config.filter) parseFilter(config.filter);
  const complete: SubscriptionConfig = {
    ...config,
    ackDeadlineSeconds,
    messageRetentionDuration: config.messageRetentionDuration ?? { seconds: 7 * DAY },
    expirationPolicy: config.expirationPolicy ?? { ttl: { seconds: 31 * DAY } },
  };
  if (config.retryPolicy) complete.retryPolicy = checkRetry(config.retryPolicy);
  if (config.deadLetterPolicy) complete.deadLetterPolicy = checkDeadLetter(config.deadLetterPolicy);
  return complete;
}

function refuseCloudOnly(config: SubscriptionConfig): void {
  if (config.enableExactlyOnceDelivery) {
    throw unimplemented(
      'enable_exactly_once_delivery: this local server delivers at least once; leave it out and keep consumers idempotent',
    );
  }
  if (config.pushConfig?.pushEndpoint) {
    throw unimplemented('push_config.push_endpoint: this local server has pull delivery only; leave it empty');
  }
  for (const [field, value] of [
    ['bigquery_config', config.bigqueryConfig],
    ['cloud_storage_config', config.cloudStorageConfig],
    ['bigtable_config', config.bigtableConfig],
  ] as const) {
    if (value) throw unimplemented(`${field}: this local server has pull delivery only; leave it out`);
  }
  refuseTransforms(config.messageTransforms);
}

function refuseTransforms(transforms: object[] | undefined): void {
  if (transforms !== undefined && transforms.length > 0) {
    throw unimplemented('message_transforms: this local server changes no messages; leave it out');
  }
}

function checkRetry(policy: NonNullable<SubscriptionConfig['retryPolicy']>): NonNullable<typeof policy> {
  checkDuration('retry_policy.minimum_backoff', policy.minimumBackoff, 0, 600);
  checkDuration('retry_policy.maximum_backoff', policy.maximumBackoff, 0, 600);
  const minimumBackoff = policy.minimumBackoff ?? { seconds: RETRY_DEFAULTS.minimumMs / 1000 };
  const maximumBackoff = policy.maximumBackoff ?? { seconds: RETRY_DEFAULTS.maximumMs / 1000 };
  if (durationMs(minimumBackoff) > durationMs(maximumBackoff)) {
    throw invalid(
      `retry_policy: minimum_backoff (${durationMs(minimumBackoff)} ms) is above maximum_backoff (${durationMs(maximumBackoff)} ms)`,
    );
  }
  return { minimumBackoff, maximumBackoff };
}

function checkDeadLetter(policy: NonNullable<SubscriptionConfig['deadLetterPolicy']>): NonNullable<typeof policy> {
  const deadLetterTopic = checkName('topics', policy.deadLetterTopic, 'dead_letter_policy.dead_letter_topic');
  const maxDeliveryAttempts = policy.maxDeliveryAttempts || 5;
  if (maxDeliveryAttempts < 5 || maxDeliveryAttempts > 100) {
    throw invalid(`dead_letter_policy.max_delivery_attempts: ${maxDeliveryAttempts}; 5 to 100 are allowed`);
  }
  return { deadLetterTopic, maxDeliveryAttempts };
}

function checkDuration(field: string, value: Duration | null | undefined, least: number, most: number): void {
  if (!value) return;
  const seconds = durationMs(value) / 1000;
  if (!(seconds >= least && seconds <= most)) {
    throw invalid(`${field}: ${seconds} s; ${least} s to ${most} s are allowed`);
  }
}

/** @param config as `checkSubscription` returned it */
export function readSettings(config: SubscriptionConfig): SubscriptionSettings {
  const { retryPolicy, deadLetterPolicy } = config;
  return {
    ackDeadlineMs: (config.ackDeadlineSeconds ?? 10) * 1000,
    retentionMs: durationMs(config.messageRetentionDuration ?? { seconds: 7 * DAY }),
    retainAcked: config.retainAckedMessages === true,
    ordered: config.enableMessageOrdering === true,
    filter: config.filter ? parseFilter(config.filter) : undefined,
    retry: retryPolicy
      ? {
          minimumMs: durationMs(retryPolicy.minimumBackoff ?? {}),
          maximumMs: durationMs(retryPolicy.maximumBackoff ?? {}),
        }
      : undefined,
    deadLetterTopic: deadLetterPolicy?.deadLetterTopic,
    maxAttempts: deadLetterPolicy ? deadLetterPolicy.maxDeliveryAttempts : undefined,
  };
}

const TOPIC_FIELDS: ReadonlySet<string> = new Set([
  'labels',
  'messageRetentionDuration',
  'messageStoragePolicy',
  'kmsKeyName',
  'schemaSettings',
  'ingestionDataSourceSettings',
  'messageTransforms',
]);

const SUBSCRIPTION_FIELDS: ReadonlySet<string> = new Set([
  'ackDeadlineSeconds',
  'retainAckedMessages',
  'messageRetentionDuration',
  'labels',
  'expirationPolicy',
  'deadLetterPolicy',
  'retryPolicy',
  'enableExactlyOnceDelivery',
  'pushConfig',
  'bigqueryConfig',
  'cloudStorageConfig',
  'bigtableConfig',
  'messageTransforms',
]);

export const updateTopic = (current: TopicConfig, change: TopicConfig, paths: readonly string[]): TopicConfig =>
  checkTopic(applyMask(current, change, paths, TOPIC_FIELDS));

export const updateSubscription = (
  current: SubscriptionConfig,
  change: SubscriptionConfig,
  paths: readonly string[],
): SubscriptionConfig => checkSubscription(applyMask(current, change, paths, SUBSCRIPTION_FIELDS));

/** A field mask (https://protobuf.dev/reference/protobuf/google.protobuf/#field-mask) over the JSON form of a message. */
function applyMask<T extends object>(
  current: T,
  change: T,
  paths: readonly string[],
  updatable: ReadonlySet<string>,
): T {
  if (paths.length === 0) throw invalid('update_mask: no paths; name at least one field to change');
  const result = structuredClone(current) as Record<string, unknown>;
  for (const path of paths) {
    const names = path.split('.').map((name) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
    const [first = '', ...inner] = names;
    if (!updatable.has(first)) {
      throw invalid(
        `update_mask: "${path}" cannot be changed; allowed are ${[...updatable].map(snakeCase).join(', ')}`,
      );
    }
    setPath(result, change as Record<string, unknown>, first, inner);
  }
  return result as T;
}

function setPath(
  into: Record<string, unknown>,
  from: Record<string, unknown> | null | undefined,
  first: string,
  inner: readonly string[],
): void {
  const value = from?.[first];
  const [next, ...rest] = inner;
  if (next === undefined) {
    if (value === undefined || value === null) delete into[first];
    else into[first] = structuredClone(value);
    return;
  }
  const child = (into[first] ?? {}) as Record<string, unknown>;
  into[first] = child;
  setPath(child, value as Record<string, unknown> | undefined, next, rest);
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
