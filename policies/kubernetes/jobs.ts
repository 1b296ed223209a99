import { all } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';

const jobs = /^kubernetes:batch\/v\w+:(Job|CronJob)$/;
const cronJobs = /^kubernetes:batch\/v\w+:CronJob$/;

export const jobPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'k8s-job-limits',
    description: 'A job ends: it has a deadline and a bound to its retries, so that a stuck one does not hold a node.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set activeDeadlineSeconds, and backoffLimit to at most the setting "retries".',
    url: 'https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup',
    references: {},
    settings: {
      retries: { default: 6, description: 'How often a job may try again' },
      seconds: { default: 86_400, description: 'How long a job may take at most' },
    },
    types: jobs,
    judge: ({ type, at, settings: { retries, seconds } }) => {
      const spec = at(type.endsWith(':CronJob') ? 'spec.jobTemplate.spec' : 'spec');
      return all([
        spec.at('activeDeadlineSeconds').atMost(seconds),
        // The API's default is six.
        spec.at('backoffLimit').orElse(6).atMost(retries),
      ]);
    },
  }),

  resourcePolicy({
    id: 'k8s-cron-job-no-overlap',
    description: 'A run that takes longer than its interval does not meet the next one, and old runs are cleared away.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set concurrencyPolicy to Forbid or Replace, and the history limits to at most the setting "kept".',
    url: 'https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#concurrency-policy',
    references: {},
    settings: { kept: { default: 10, description: 'How many ended runs of each kind may stay' } },
    types: cronJobs,
    judge: ({ at, settings: { kept } }) =>
      all([
        at('spec.concurrencyPolicy').is('Forbid', 'Replace'),
        at('spec.failedJobsHistoryLimit').orElse(1).atMost(kept),
        at('spec.successfulJobsHistoryLimit').orElse(3).atMost(kept),
      ]),
  }),
];
