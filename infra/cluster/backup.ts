import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { nameOf } from '../plan/names.ts';

export type BackupArgs = ComponentArgs & { cluster: gcp.container.Cluster; days: number };

/**
 * Backup for GKE: what is in the cluster, secrets and volumes included, every night; and the plan by which it comes back.
 * The platform keeps its data elsewhere, so that this is for what people made by hand and for a look at yesterday.
 */
export class Backup extends Component {
  constructor(name: string, args: BackupArgs, options: pulumi.ComponentResourceOptions) {
    super('cluster:Backup', name, args, options);
    const { environment, cluster } = args;
    const { deletionPolicy } = environment.tier.lifecycle;
    const plan = this.make(
      gcp.gkebackup.BackupPlan,
      'plan',
      {
        name: nameOf('kubernetes', environment.name, 'nightly'),
        location: environment.region,
        cluster: cluster.id,
        description: 'Everything in the cluster, every night',
        backupConfig: { allNamespaces: true, includeSecrets: true, includeVolumeData: true },
        backupSchedule: { cronSchedule: '17 2 * * *' },
        // Never locked, and no days in which nobody can delete: either would outlive the environment's destroy.
        retentionPolicy: { backupRetainDays: args.days, backupDeleteLockDays: 0, locked: false },
        deletionPolicy,
      },
      { guarded: true },
    );
    this.make(gcp.gkebackup.RestorePlan, 'restore', {
      name: nameOf('kubernetes', environment.name, 'restore'),
      location: environment.region,
      cluster: cluster.id,
      backupPlan: plan.id,
      description: 'Namespaces and volumes of a backup, without overwriting what is there',
      restoreConfig: {
        allNamespaces: true,
        namespacedResourceRestoreMode: 'FAIL_ON_CONFLICT',
        volumeDataRestorePolicy: 'RESTORE_VOLUME_DATA_FROM_BACKUP',
        // Roles and classes of the whole cluster come from the program, not from yesterday.
        clusterResourceRestoreScope: { noGroupKinds: true },
      },
      deletionPolicy,
    });
    this.finish({ plan: plan.id });
  }
}
