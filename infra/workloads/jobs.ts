import type * as kubernetes from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import type { z } from 'zod';
import { SweepSettings } from '../../runtime/contracts/settings/jobs.ts';
import { ProbeClientSettings } from '../../runtime/contracts/settings/probe.ts';
import { AuthoritySettings, MigrateSettings, RetentionSettings } from '../../runtime/contracts/settings/services.ts';
import type { WorkloadName } from '../access.ts';
import { Component, type ComponentArgs } from '../component.ts';
import { ClockJob, type JobArgs, ReleaseJob } from './job.ts';
import { inCluster, type WorkloadNeeds } from './needs.ts';
import { type SettingsOf, type SettingValue, variablesOf } from './settings.ts';

export type JobsArgs = ComponentArgs & {
  needs: WorkloadNeeds;
  namespace: string;
  priorityClass: string;
};

type JobName = 'migrate' | 'authority' | 'probe-client' | 'retention' | 'sweep';

/** What runs once a release, before new code serves, and what tidies up by the clock. All of image `jobs`. */
export class Jobs extends Component {
  /** Newest schema and grants. Every service waits for it. */
  readonly migrate: kubernetes.batch.v1.Job;
  /** The issuing CA's certificate. The devices service waits for it; null where CAS signs devices itself. */
  readonly authority: kubernetes.batch.v1.Job | null = null;
  /** The probe's OAuth client; null where no probe runs, or people have an issuer of their own. */
  readonly probeClient: kubernetes.batch.v1.Job | null = null;

  constructor(name: string, args: JobsArgs, options: pulumi.ComponentResourceOptions) {
    super('workloads:Jobs', name, args, inCluster(options, args.needs.cluster));
    const { environment } = args;
    const once = (job: JobName, account: WorkloadName, env: JobArgs['env'], dependsOn: pulumi.Resource[]) =>
      new ReleaseJob(`${name}-${job}`, { ...of(args, job), account, env }, { parent: this, dependsOn }).job;

    this.migrate = once('migrate', 'migrator', variablesOfMigration(args), []);
    if (environment.deviceCertificates === 'kms')
      this.authority = once('authority', 'devices', variablesOfAuthority(args), [this.migrate]);
    if (environment.tier.observability.uptimeProbe && environment.oidc === null)
      this.probeClient = once('probe-client', 'migrator', variablesOfProbeClient(args), [this.migrate]);
    new ClockJob(
      `${name}-retention`,
      // Once an hour: partitions are made days ahead, and what is too old is dropped whole.
      { ...of(args, 'retention'), account: 'migrator', env: variablesOfRetention(args), schedule: '17 * * * *' },
      { parent: this, dependsOn: [this.migrate] },
    );
    if (environment.tier.previews)
      new ClockJob(
        `${name}-sweep`,
        // A lane ends by itself: nothing that ran in its branch has to come back for that.
        { ...of(args, 'sweep'), account: 'migrator', env: variablesOfSweep(args), schedule: '37 * * * *' },
        { parent: this, dependsOn: [this.migrate] },
      );
    this.finish({ migrate: this.migrate.metadata.name });
  }
}

/** What all these jobs have in common. */
function of({ environment, needs, namespace, priorityClass }: JobsArgs, name: JobName) {
  return {
    environment,
    cluster: needs.cluster,
    namespace,
    priorityClass,
    name,
    image: needs.images.references.jobs,
    command: [name],
    deadlineSeconds: 1_800,
    retries: 4,
  };
}

const variables = <S extends z.ZodObject>(job: string, schema: S, own: SettingsOf<S>) =>
  variablesOf(job, schema, own as Readonly<Record<string, SettingValue>>);

const databases = ({ needs }: JobsArgs) => ({
  IOT_CORE_DATABASE_URL: needs.database.coreUrl('migrator'),
  IOT_SHARD_DATABASE_URLS: needs.database.shardUrls('migrator'),
});

const variablesOfMigration = (args: JobsArgs) =>
  variables('migrate', MigrateSettings, { ...databases(args), IOT_DATABASE_ROLES: args.needs.database.roles });

const variablesOfRetention = (args: JobsArgs) => variables('retention', RetentionSettings, databases(args));

const variablesOfSweep = (args: JobsArgs) => variables('sweep', SweepSettings, databases(args));

const variablesOfAuthority = ({ needs, environment }: JobsArgs) =>
  variables('authority', AuthoritySettings, {
    IOT_CORE_DATABASE_URL: needs.database.coreUrl('devices'),
    IOT_CA_KMS_KEY: needs.keys.issuingKey,
    IOT_CA_ROOT_POOL: needs.authority.rootPool,
    IOT_CA_TEMPLATE: needs.authority.issuingTemplate,
    IOT_CA_YEARS: environment.tier.authority.issuingYears,
  });

const variablesOfProbeClient = ({ needs }: JobsArgs) =>
  variables('probe-client', ProbeClientSettings, {
    IOT_CORE_DATABASE_URL: needs.database.coreUrl('migrator'),
    IOT_PROBE_CLIENT: needs.secrets.names['probe-client'],
  });
