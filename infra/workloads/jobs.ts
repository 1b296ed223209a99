import { createHash } from 'node:crypto';
import * as kubernetes from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import type { z } from 'zod';
import { AuthoritySettings, MigrateSettings, RetentionSettings } from '../../runtime/contracts/settings/services.ts';
import type { WorkloadName } from '../access.ts';
import { Component, type ComponentArgs } from '../component.ts';
import type { PodName } from './flows.ts';
import { labelsOf } from './labels.ts';
import { inCluster, type WorkloadNeeds } from './needs.ts';
import { policyOf } from './network-policy.ts';
import { type ContainerPlan, podOf } from './pod.ts';
import { type SettingsOf, type SettingValue, variablesOf } from './settings.ts';

export type JobsArgs = ComponentArgs & {
  needs: WorkloadNeeds;
  namespace: string;
  priorityClass: string;
};

/** What runs and ends: schema and grants before new code serves, the issuing CA's certificate, and what is kept how long. */
export class Jobs extends Component {
  /** Newest schema and grants. Every service waits for it. */
  readonly migrate: kubernetes.batch.v1.Job;
  /** The issuing CA's certificate. The devices service waits for it; null where CAS signs devices itself. */
  readonly authority: kubernetes.batch.v1.Job | null;

  constructor(name: string, args: JobsArgs, options: pulumi.ComponentResourceOptions) {
    super('workloads:Jobs', name, args, inCluster(options, args.needs.cluster));
    const { environment } = args;
    this.migrate = this.#job(args, 'migrate', 'migrator', variablesOfMigration(args), []);
    this.authority =
      environment.deviceCertificates === 'kms'
        ? this.#job(args, 'authority', 'devices', variablesOfAuthority(args), [this.migrate])
        : null;
    this.#daily(args, variablesOfRetention(args));
    this.finish({ migrate: this.migrate.metadata.name });
  }

  #policy({ environment, namespace, needs }: JobsArgs, name: PodName) {
    return this.make(
      kubernetes.networking.v1.NetworkPolicy,
      `${name}-network`,
      { metadata: { name, namespace, labels: labelsOf(name, environment) }, spec: policyOf(name, environment) },
      { deletedWith: needs.cluster.cluster },
    );
  }

  #job(
    args: JobsArgs,
    name: 'migrate' | 'authority',
    account: WorkloadName,
    env: ContainerPlan['env'],
    dependsOn: pulumi.Resource[],
  ): kubernetes.batch.v1.Job {
    const { environment, namespace, needs } = args;
    const policy = this.#policy(args, name);
    return this.make(
      kubernetes.batch.v1.Job,
      name,
      {
        // A new image is a new job: it runs once a release, and `up` waits for it.
        metadata: { name: jobName(name, needs.images.references.jobs), namespace, labels: labelsOf(name, environment) },
        spec: { ...jobOf(args, name, account, env), backoffLimit: 6, activeDeadlineSeconds: 1_800 },
      },
      {
        deletedWith: needs.cluster.cluster,
        dependsOn: [...dependsOn, policy],
        customTimeouts: { create: '35m', update: '35m' },
      },
    );
  }

  #daily(args: JobsArgs, env: ContainerPlan['env']) {
    const { environment, namespace, needs } = args;
    const policy = this.#policy(args, 'retention');
    this.make(
      kubernetes.batch.v1.CronJob,
      'retention',
      {
        metadata: { name: 'retention', namespace, labels: labelsOf('retention', environment) },
        spec: {
          schedule: '17 * * * *',
          concurrencyPolicy: 'Forbid',
          startingDeadlineSeconds: 600,
          successfulJobsHistoryLimit: 1,
          failedJobsHistoryLimit: 3,
          jobTemplate: {
            metadata: { labels: labelsOf('retention', environment) },
            spec: { ...jobOf(args, 'retention', 'migrator', env), backoffLimit: 2, activeDeadlineSeconds: 1_800 },
          },
        },
      },
      { deletedWith: needs.cluster.cluster, dependsOn: [this.migrate, policy] },
    );
  }
}

/** A job's pods: restricted like the services', never restarted in place, so that each try has its own log. */
function jobOf(args: JobsArgs, name: PodName, account: WorkloadName, env: ContainerPlan['env']) {
  const { environment, needs, priorityClass } = args;
  const pod = podOf(
    {
      name,
      account,
      priorityClass,
      graceSeconds: 30,
      containers: [{ name, image: needs.images.references.jobs, args: [name], env, cpu: '250m', memory: '512Mi' }],
    },
    environment,
  );
  return { template: { ...pod, spec: { ...pod.spec, restartPolicy: 'Never' } } };
}

/** The digest's beginning ends the name. Literal wherever the digest is known at preview. */
function jobName(name: string, image: pulumi.Input<string>): pulumi.Input<string> {
  const nameFor = (reference: string) => `${name}-${createHash('sha256').update(reference).digest('hex').slice(0, 10)}`;
  return typeof image === 'string' ? nameFor(image) : pulumi.output(image).apply(nameFor);
}

function databases({ needs }: JobsArgs) {
  return {
    IOT_CORE_DATABASE_URL: needs.database.coreUrl('migrator'),
    IOT_SHARD_DATABASE_URLS: needs.database.shardUrls('migrator'),
  };
}

const variables = <S extends z.ZodObject>(job: string, schema: S, own: SettingsOf<S>) =>
  variablesOf(job, schema, own as Readonly<Record<string, SettingValue>>);

const variablesOfMigration = (args: JobsArgs) =>
  variables('migrate', MigrateSettings, { ...databases(args), IOT_DATABASE_ROLES: args.needs.database.roles });

const variablesOfRetention = (args: JobsArgs) => variables('retention', RetentionSettings, databases(args));

const variablesOfAuthority = ({ needs }: JobsArgs) =>
  variables('authority', AuthoritySettings, {
    IOT_CORE_DATABASE_URL: needs.database.coreUrl('devices'),
    IOT_CA_KMS_KEY: needs.keys.issuingKey,
    IOT_CA_ROOT_POOL: needs.authority.rootPool,
    IOT_CA_TEMPLATE: needs.authority.issuingTemplate,
  });
