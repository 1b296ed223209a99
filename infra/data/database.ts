import * as gcp from '@pulumi/gcp';
import * as pulumi from '@pulumi/pulumi';
import { access, type WorkloadName, workloadNames } from '../access.ts';
import { Component, type ComponentArgs } from '../component.ts';
import { memberOf } from '../identity/names.ts';
import { nameOf } from '../plan/names.ts';
import { Postgres, type PrivateServices, userNameOf } from './instance.ts';

export type DatabaseArgs = ComponentArgs & {
  network: PrivateServices;
  /** What must stand first: enabled APIs and the workloads' service accounts. */
  after: readonly pulumi.Resource[];
  /** Four hex digits that end the instances' names; new after each destroy. */
  generation: pulumi.Input<string>;
};

/** The core database and the shards, each an instance of its own, and who may log in to which. */
export class Database extends Component {
  readonly core: Postgres;
  readonly shards: readonly Postgres[];
  /** Every instance with its database and users: what a workload waits for. */
  readonly instances: pulumi.Resource[];
  readonly #args: DatabaseArgs;

  constructor(name: string, args: DatabaseArgs, options: pulumi.ComponentResourceOptions) {
    super('data:Database', name, args, options);
    this.#args = args;
    const { coreTier, coreDisk, shardTier, shardDisk, shards } = args.environment.plan.database;
    const common = { ...args, transforms: {} };
    this.core = new Postgres(
      `${name}-core`,
      { ...common, kind: 'core', part: 'core', database: 'core', machine: coreTier, disk: coreDisk },
      { parent: this },
    );
    this.shards = Array.from(
      { length: shards },
      (_, i) =>
        new Postgres(
          `${name}-shard-${i}`,
          {
            ...common,
            kind: 'shards',
            part: `shard-${i}`,
            database: shardName(i),
            machine: shardTier,
            disk: shardDisk,
          },
          { parent: this },
        ),
    );
    const grants = workloadNames
      .filter((workload) => access[workload].databases.length > 0)
      .flatMap((workload) => this.#grants(workload));
    this.instances = [
      ...[this.core, ...this.shards].flatMap(({ instance, database, users }) => [instance, database, ...users]),
      ...grants,
    ];
    this.finish({ core: this.core.instance.name, shards: this.shards.map((shard) => shard.instance.name) });
  }

  /** `IOT_CORE_DATABASE_URL` of a workload. @throws Error when `access` gives it no core database. */
  coreUrl(workload: WorkloadName): pulumi.Output<string> {
    return this.core.url(workload);
  }

  /** `IOT_SHARD_DATABASE_URLS` of a workload: `shard_0=cloudsql:…,shard_1=…`. @throws Error as `coreUrl`. */
  shardUrls(workload: WorkloadName): pulumi.Output<string> {
    const urls = this.shards.map((shard, i) => pulumi.interpolate`${shardName(i)}=${shard.url(workload)}`);
    return pulumi.all(urls).apply((all) => all.join(','));
  }

  /** `IOT_DATABASE_ROLES` of the migrator: each service's database user. */
  get roles(): string {
    const named = workloadNames.filter((each) => each !== 'migrator' && access[each].databases.length > 0);
    return JSON.stringify(Object.fromEntries(named.map((each) => [each, userNameOf(this.environment, each)])));
  }

  /**
   * Both roles exist on the project only; the condition narrows them to the instances of this environment that the workload
   * uses: https://cloud.google.com/sql/docs/postgres/iam-conditions
   */
  #grants(workload: WorkloadName): gcp.projects.IAMMember[] {
    const { name, project } = this.environment;
    const { databases } = access[workload];
    const begins = [
      ...(databases.includes('core') ? [`${nameOf('sqlInstance', name, 'core')}-`] : []),
      ...(databases.includes('shards') ? [`${nameOf('sqlInstance', name, 'shard')}-`] : []),
    ];
    return [
      ['client', 'roles/cloudsql.client'],
      ['login', 'roles/cloudsql.instanceUser'],
    ].map(([child, role]) =>
      this.make(
        gcp.projects.IAMMember,
        `${workload}-${child}`,
        {
          project,
          role: role as string,
          member: memberOf(this.environment, workload),
          condition: {
            title: `${name}-${databases.join('-and-')}`,
            description: `Cloud SQL instances of environment ${name} that ${workload} uses`,
            expression: pulumi
              .output(this.#args.generation)
              .apply((generation) => onlyInstances(project, begins, generation)),
          },
        },
        { dependsOn: [...this.#args.after] },
      ),
    );
  }
}

/** The shard map's name of a shard's database. */
export const shardName = (index: number): string => `shard_${index}`;

/**
 * Instances whose name begins as the environment's and ends with its generation, so that an environment whose name begins
 * with this one's is not among them. A condition takes twelve operators, too few to name 32 shards.
 */
export function onlyInstances(project: string, begins: readonly string[], generation: string): string {
  const some = begins.map((begin) => `resource.name.startsWith("projects/${project}/instances/${begin}")`).join(' || ');
  return `resource.service == "sqladmin.googleapis.com" && resource.name.endsWith("-${generation}") && (${some})`;
}
