import * as gcp from '@pulumi/gcp';
import * as pulumi from '@pulumi/pulumi';
import { access, workloadNames } from '../access.ts';
import { Component, type ComponentArgs } from '../component.ts';
import { memberOf } from '../identity/names.ts';
import { nameOf } from '../plan/names.ts';

export type DocumentsArgs = ComponentArgs & {
  /** What must stand first: enabled APIs and the workloads' service accounts. */
  after: readonly pulumi.Resource[];
  /** Four hex digits that end the database's id, which Google keeps for a while after a delete. */
  generation: pulumi.Input<string>;
};

const daySeconds = 86_400;

/** Firestore database of device documents (twins). */
export class Documents extends Component {
  /** `projects/P/databases/D` */
  readonly database: pulumi.Output<string>;
  readonly #args: DocumentsArgs;

  constructor(name: string, args: DocumentsArgs, options: pulumi.ComponentResourceOptions) {
    super('data:Documents', name, args, options);
    this.#args = args;
    const { name: environment, project } = args.environment;
    const id = pulumi.output(args.generation).apply((suffix) => nameOf('firestore', environment, 'documents', suffix));
    const database = this.#database(id);
    this.#expiry(database);
    this.#backups(database);
    this.#grants(database.name);
    this.database = pulumi.interpolate`projects/${project}/databases/${database.name}`;
    this.finish({ database: this.database });
  }

  #database(id: pulumi.Output<string>): gcp.firestore.Database {
    const { region, tier } = this.environment;
    return this.make(
      gcp.firestore.Database,
      'database',
      {
        name: id,
        locationId: region,
        type: 'FIRESTORE_NATIVE',
        databaseEdition: 'STANDARD',
        // Documents are written by compare-and-set on their version; a conflict is retried by us.
        concurrencyMode: 'OPTIMISTIC',
        appEngineIntegrationMode: 'DISABLED',
        pointInTimeRecoveryEnablement: tier.documents.pointInTime
          ? 'POINT_IN_TIME_RECOVERY_ENABLED'
          : 'POINT_IN_TIME_RECOVERY_DISABLED',
        deleteProtectionState: tier.lifecycle.apiProtection
          ? 'DELETE_PROTECTION_ENABLED'
          : 'DELETE_PROTECTION_DISABLED',
        deletionPolicy: tier.lifecycle.deletionPolicy,
      },
      { guarded: true, dependsOn: [...this.#args.after] },
    );
  }

  /** A document that has a field `expires_at` goes within a day after that time; one without it stays. */
  #expiry(database: gcp.firestore.Database): void {
    this.make(
      gcp.firestore.Field,
      'expiry',
      {
        database: database.name,
        collection: expiry.collection,
        field: expiry.field,
        ttlConfig: {},
        // Not indexed: a field that rises with time makes one hot range.
        // https://cloud.google.com/firestore/docs/ttl#ttl_and_indexes
        indexConfig: {},
      },
      { deletedWith: database },
    );
  }

  #backups(database: gcp.firestore.Database): void {
    const { backupDays } = this.environment.tier.documents;
    if (backupDays === null) return;
    const retention = (days: number) => `${days * daySeconds}s`;
    this.make(
      gcp.firestore.BackupSchedule,
      'daily-backup',
      { database: database.name, dailyRecurrence: {}, retention: retention(Math.min(backupDays, 7)) },
      { deletedWith: database },
    );
    if (backupDays > 7)
      this.make(
        gcp.firestore.BackupSchedule,
        'weekly-backup',
        { database: database.name, weeklyRecurrence: { day: 'SUNDAY' }, retention: retention(backupDays) },
        { deletedWith: database },
      );
  }

  /** Narrowed to this database: https://cloud.google.com/firestore/docs/manage-databases#per-database_access_permissions */
  #grants(id: pulumi.Output<string>): void {
    const { name, project } = this.environment;
    for (const workload of workloadNames)
      if (access[workload].documents)
        this.make(
          gcp.projects.IAMMember,
          `${workload}-documents`,
          {
            project,
            role: 'roles/datastore.user',
            member: memberOf(this.environment, workload),
            condition: {
              title: `${name}-documents`,
              description: `Firestore database of environment ${name}`,
              expression: pulumi.interpolate`resource.name == "projects/${project}/databases/${id}"`,
            },
          },
          { dependsOn: [...this.#args.after] },
        );
  }
}

/** Firestore's time to live: the collection group of runtime/platform/documents/firestore.ts, and the field it goes by. */
export const expiry = { collection: 'documents', field: 'expires_at' } as const;
