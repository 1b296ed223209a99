import * as gcp from '@pulumi/gcp';
import * as pulumi from '@pulumi/pulumi';
import { access, type DatabaseKind, type WorkloadName, workloadNames } from '../access.ts';
import { Component, type ComponentArgs } from '../component.ts';
import { accountIdOf } from '../identity/names.ts';
import { nameOf } from '../plan/names.ts';
import { databaseFlags } from './flags.ts';

/** What of the network an instance needs. */
export type PrivateServices = {
  /** `projects/P/global/networks/NAME`. */
  vpcId: pulumi.Input<string>;
  /** Policies that let Google make endpoints in the VPC; must stand first. */
  servicePolicies: readonly pulumi.Resource[];
};

export type PostgresArgs = ComponentArgs & {
  network: PrivateServices;
  after: readonly pulumi.Resource[];
  kind: DatabaseKind;
  /** `core`, `shard-0`: part of the instance's name. */
  part: string;
  /** The one database inside it. */
  database: string;
  /** Four hex digits: Google keeps the name of a deleted instance for a week. */
  generation: pulumi.Input<string>;
  /** `db-custom-2-7680` */
  machine: string;
  /** GB at the start. */
  disk: number;
};

/** The version that runs on one machine, too; a test compares them. */
export const postgresVersion = 18;

/** One Postgres instance with one database, reached privately, by IAM and Google's connectors alone. */
export class Postgres extends Component {
  readonly instance: gcp.sql.DatabaseInstance;
  readonly database: gcp.sql.Database;
  readonly users: readonly gcp.sql.User[];
  readonly #args: PostgresArgs;

  constructor(name: string, args: PostgresArgs, options: pulumi.ComponentResourceOptions) {
    super('data:Postgres', name, args, options);
    this.#args = args;
    this.instance = this.#instance();
    this.database = this.#database();
    this.users = workloadNames
      .filter((each) => access[each].databases.includes(args.kind))
      .map((each) => this.#user(each));
    this.finish({ instance: this.instance.name });
  }

  /** As the services read it: no password, host or port; the connector asks Google for them. */
  url(workload: WorkloadName): pulumi.Output<string> {
    if (!access[workload].databases.includes(this.#args.kind))
      throw new Error(
        `${workload} asks for the URL of ${this.#args.part}, and access in infra/access.ts gives it no '${this.#args.kind}' database: add it there first`,
      );
    const { project, region } = this.environment;
    const { database } = this.#args;
    return pulumi.interpolate`cloudsql:${project}:${region}:${this.instance.name}/${database}?user=${userNameOf(this.environment, workload)}`;
  }

  #instance(): gcp.sql.DatabaseInstance {
    const { name, region, tier } = this.environment;
    const { part, generation } = this.#args;
    return this.make(
      gcp.sql.DatabaseInstance,
      'instance',
      {
        name: pulumi.output(generation).apply((suffix) => nameOf('sqlInstance', name, part, suffix)),
        region,
        databaseVersion: `POSTGRES_${postgresVersion}`,
        settings: this.#settings(),
        // The provider's two refusals; the API's own is in settings.
        deletionProtection: tier.lifecycle.apiProtection,
        deletionPolicy: tier.lifecycle.deletionPolicy,
        ...(tier.database.finalBackupDays === null
          ? {}
          : { finalBackupDescription: `last backup of ${name} ${part}, made when it was deleted` }),
      },
      {
        guarded: true,
        dependsOn: [...this.#args.network.servicePolicies, ...this.#args.after],
        // The disk grows by itself, and a smaller number here would replace the instance with its data.
        // https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/sql_database_instance#disk_autoresize-1
        ignoreChanges: ['settings.diskSize'],
        // Google takes up to half an hour for a regional instance.
        customTimeouts: { create: '60m', update: '60m', delete: '30m' },
      },
    );
  }

  #settings(): gcp.types.input.sql.DatabaseInstanceSettings {
    const { environment } = this;
    const { tier, labels } = environment;
    const { disk, machine } = this.#args;
    return {
      edition: tier.database.edition,
      tier: machine,
      availabilityType: tier.database.availability,
      diskType: 'PD_SSD',
      diskSize: disk,
      diskAutoresize: true,
      // A runaway writer fills a known amount; an alert comes long before. A limit can be raised, a disk never shrinks.
      diskAutoresizeLimit: Math.max(100, disk * 10),
      deletionProtectionEnabled: tier.lifecycle.apiProtection,
      // IAM decides who may connect, not a host and port that somebody reached:
      // https://cloud.google.com/sql/docs/postgres/connect-connectors#enforce
      connectorEnforcement: environment.hardening['database.connectorOnly'] ? 'REQUIRED' : 'NOT_REQUIRED',
      ipConfiguration: this.#reach(),
      databaseFlags: databaseFlags(environment),
      backupConfiguration: this.#backups(),
      ...(tier.database.finalBackupDays === null
        ? { finalBackupConfig: { enabled: false } }
        : { finalBackupConfig: { enabled: true, retentionDays: tier.database.finalBackupDays } }),
      // Backups of a deleted instance stay where the tier keeps a last one; else nothing that costs is left behind.
      retainBackupsOnDelete: tier.database.finalBackupDays !== null,
      insightsConfig: {
        queryInsightsEnabled: true,
        queryPlansPerMinute: 5,
        queryStringLength: 1_024,
        recordApplicationTags: true,
        // Clients are pods behind the connector: their addresses say nothing.
        recordClientAddress: false,
      },
      // Tuesday 03:00 UTC, after weekend and Monday's load, with a working day ahead.
      maintenanceWindow: { day: 2, hour: 3, updateTrack: 'stable' },
      userLabels: { ...labels },
    };
  }

  #reach(): gcp.types.input.sql.DatabaseInstanceSettingsIpConfiguration {
    const { environment } = this;
    return {
      // No address on the internet. CIS 6.6. The API's default is true.
      ipv4Enabled: false,
      // Connectors bring a client certificate of their own; without them at least nothing goes unencrypted. CIS 6.4.
      sslMode: environment.hardening['database.connectorOnly']
        ? 'TRUSTED_CLIENT_CERTIFICATE_REQUIRED'
        : 'ENCRYPTED_ONLY',
      // One CA of Google's for the region, which rotates without a new trust file:
      // https://cloud.google.com/sql/docs/postgres/configure-ssl-instance#server-ca-modes
      serverCaMode: 'GOOGLE_MANAGED_CAS_CA',
      // Private Service Connect and no peering: a peered range cannot be given back for days after a destroy.
      pscConfigs: [
        {
          pscEnabled: true,
          allowedConsumerProjects: [environment.project],
          pscAutoConnections: [
            { consumerNetwork: this.#args.network.vpcId, consumerServiceProjectId: environment.project },
          ],
          // Google keeps the DNS record by which the connector finds the endpoint.
          pscAutoDnsEnabled: true,
        },
      ],
    };
  }

  #backups(): gcp.types.input.sql.DatabaseInstanceSettingsBackupConfiguration {
    const { region } = this.environment;
    const { backups } = this.environment.tier.database;
    if (backups === null) return { enabled: false, pointInTimeRecoveryEnabled: false };
    return {
      enabled: true,
      // 01:00 UTC: done before the maintenance window.
      startTime: '01:00',
      location: region,
      pointInTimeRecoveryEnabled: true,
      transactionLogRetentionDays: backups.pointInTimeDays,
      backupRetentionSettings: { retainedBackups: backups.kept, retentionUnit: 'COUNT' },
    };
  }

  #database(): gcp.sql.Database {
    const { tier } = this.environment;
    return this.make(
      gcp.sql.Database,
      'database',
      {
        name: this.#args.database,
        instance: this.instance.name,
        charset: 'UTF8',
        deletionPolicy: tier.lifecycle.deletionPolicy,
      },
      // It goes with its instance: a database with open connections cannot be dropped.
      { guarded: true, deletedWith: this.instance },
    );
  }

  /** IAM login: the password is an access token of the workload's service account. */
  #user(workload: WorkloadName): gcp.sql.User {
    return this.make(
      gcp.sql.User,
      `${workload}-user`,
      {
        name: userNameOf(this.environment, workload),
        instance: this.instance.name,
        type: 'CLOUD_IAM_SERVICE_ACCOUNT',
        // Only the migrator may make schemas and grant; each of the others gets its tables from it.
        // https://cloud.google.com/sql/docs/postgres/users#default-users
        ...(workload === 'migrator' ? { databaseRoles: ['cloudsqlsuperuser'] } : {}),
        // A user with grants cannot be deleted from the API; it ends with its instance.
        deletionPolicy: 'ABANDON',
      },
      { deletedWith: this.instance, dependsOn: [...this.#args.after] },
    );
  }
}

/**
 * Name of an IAM database user: the account's e-mail without `.gserviceaccount.com`.
 * https://cloud.google.com/sql/docs/postgres/iam-logins#log-in-with-a-service-account
 */
export const userNameOf = (environment: { name: string; project: string }, workload: WorkloadName): string =>
  `${accountIdOf(environment, workload)}@${environment.project}.iam`;
