import { createHash } from 'node:crypto';
import * as kubernetes from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import { LaneSettings } from '../../runtime/contracts/settings/jobs.ts';
import { Component, type ComponentArgs } from '../component.ts';
import { userNameOf } from '../data/instance.ts';
import { nameOf } from '../plan/names.ts';
import { labelsOf } from '../workloads/labels.ts';
import { podOf } from '../workloads/pod.ts';
import { variablesOf } from '../workloads/settings.ts';
import type { Host, Lane } from './lane.ts';

export type LaneDatabasesArgs = ComponentArgs & { lane: Lane; host: Host };

/**
 * A preview's databases on the environment's instances, copied from a template by a job. The job runs in the environment's
 * namespace, with its image and its migrator: who may make databases may also drop them, so that no branch's code does.
 * `jobs sweep` of the environment drops them when the lease is over.
 */
export class LaneDatabases extends Component {
  readonly job: kubernetes.batch.v1.Job;

  constructor(name: string, args: LaneDatabasesArgs, options: pulumi.ComponentResourceOptions) {
    super('preview:LaneDatabases', name, args, options);
    const { environment, lane, host } = args;
    const user = userNameOf(host, 'migrator');
    const url = (instance: string, database: string) => `cloudsql:${instance}/${database}?user=${user}`;
    const env = variablesOf('jobs lane', LaneSettings, {
      IOT_CORE_DATABASE_URL: url(host.databases.core, lane.databases.core),
      IOT_SHARD_DATABASE_URLS: Object.entries(lane.databases.shards)
        .map(([shard, database], i) => `${shard}=${url(host.databases.shards[i] as string, database)}`)
        .join(','),
      IOT_LANE_UNTIL: lane.until,
    });
    const pod = podOf(
      {
        // The network policy of the environment's migrations lets it reach the databases, and nothing else.
        name: 'migrate',
        account: 'migrator',
        priorityClass: nameOf('kubernetes', host.name, 'serving'),
        graceSeconds: 30,
        containers: [{ name: 'lane', image: host.jobsImage, args: ['lane'], env, cpu: '250m', memory: '512Mi' }],
      },
      environment,
    );
    // A renewed lease or a new schema is a new job.
    const run = createHash('sha256').update(`${host.jobsImage} ${lane.until}`).digest('hex').slice(0, 10);
    this.job = this.make(
      kubernetes.batch.v1.Job,
      'databases',
      {
        metadata: {
          name: nameOf('kubernetes', 'lane', environment.name, run),
          namespace: host.namespace,
          labels: labelsOf('migrate', environment),
        },
        spec: {
          template: { ...pod, spec: { ...pod.spec, restartPolicy: 'Never' } },
          backoffLimit: 3,
          activeDeadlineSeconds: 900,
        },
      },
      { customTimeouts: { create: '20m' } },
    );
    this.finish({ core: lane.databases.core, shards: lane.databases.shards });
  }
}
