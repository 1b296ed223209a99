import { jobPolicies } from '../../../policies/kubernetes/jobs.ts';
import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { prove } from '../support/prove.ts';

const cronJob = { type: 'kubernetes:batch/v1:CronJob', name: 'retention' };
const job = { type: 'kubernetes:batch/v1:Job', name: 'migrate' };

prove(jobPolicies, kubernetes.policies, [
  {
    policy: 'k8s-job-limits',
    on: job,
    at: 'spec.activeDeadlineSeconds',
    broken: [{ value: 86_401 }, { set: { 'spec.backoffLimit': 7 } }],
    fine: [{ set: { 'spec.backoffLimit': undefined } }, { set: { 'spec.ttlSecondsAfterFinished': 60 } }],
    absent: 'fires',
  },
  {
    policy: 'k8s-cron-job-no-overlap',
    on: cronJob,
    at: 'spec.concurrencyPolicy',
    broken: [
      { value: 'Allow' },
      { set: { 'spec.failedJobsHistoryLimit': 11 } },
      { set: { 'spec.successfulJobsHistoryLimit': 50 } },
    ],
    fine: [
      { value: 'Replace' },
      { set: { 'spec.failedJobsHistoryLimit': undefined, 'spec.successfulJobsHistoryLimit': undefined } },
    ],
    absent: 'fires',
  },
]);
