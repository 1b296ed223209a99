import { type TopicConfig, topicRetentionMs } from './resources.ts';
import type { Subscription } from './subscription.ts';

/** A topic at run time. A deleted one lives on, nameless, until its subscriptions are gone. */
export class Topic {
  readonly no: number;
  config: TopicConfig;
  deleted: boolean;
  readonly subscriptions = new Set<Subscription>();
  readonly counters = { published: 0, bytes: 0 };
  /** Acknowledgements since housekeeping last looked for messages that nobody needs. */
  acknowledged = 1;
  /** Where housekeeping goes on looking for acknowledged messages above an unacknowledged one. */
  sweepAt = 0;

  constructor(no: number, config: TopicConfig, deleted: boolean) {
    this.no = no;
    this.config = config;
    this.deleted = deleted;
  }

  get name(): string {
    return this.config.name;
  }

  get retentionMs(): number | undefined {
    return topicRetentionMs(this.config);
  }

  /** How long acknowledged messages are kept for seeking back, in milliseconds; undefined: not at all. */
  get keepMs(): number | undefined {
    let keep = this.retentionMs;
    for (const { settings } of this.subscriptions) {
      if (settings.retainAcked) keep = Math.max(keep ?? 0, settings.retentionMs);
    }
    return keep;
  }
}
