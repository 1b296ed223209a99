import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { nameOf } from '../plan/names.ts';
import { nodeAccountEmail, nodeAccountId } from './names.ts';
import { cloudPlatform, shielded } from './settings.ts';

/** Service account of the nodes: what a node itself does, nothing of what its pods do. */
export class NodeAccount extends Component {
  readonly account: gcp.serviceaccount.Account;

  constructor(name: string, args: ComponentArgs, options: pulumi.ComponentResourceOptions) {
    super('cluster:NodeAccount', name, args, options);
    const { environment } = args;
    this.account = this.make(gcp.serviceaccount.Account, 'account', {
      accountId: nodeAccountId(environment),
      displayName: `${environment.name} nodes`,
      description: 'Runs the nodes of the cluster; workloads have accounts of their own',
    });
    // A role of the project, since logs, metrics and autoscaling hints have no resource to grant on. It is Google's own
    // least for a node. Images are granted on their repository instead.
    // https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa
    this.make(
      gcp.projects.IAMMember,
      'role',
      {
        project: environment.project,
        role: 'roles/container.defaultNodeServiceAccount',
        member: `serviceAccount:${nodeAccountEmail(environment)}`,
      },
      { dependsOn: [this.account] },
    );
    this.finish({ email: nodeAccountEmail(environment) });
  }
}

export type NodePoolArgs = ComponentArgs & {
  cluster: gcp.container.Cluster;
  nodeTags: pulumi.Input<Record<string, string>>;
};

/** Nodes of a Standard cluster; Autopilot makes its own. */
export class NodePool extends Component {
  readonly pool: gcp.container.NodePool;

  constructor(name: string, args: NodePoolArgs, options: pulumi.ComponentResourceOptions) {
    super('cluster:NodePool', name, args, options);
    const { environment } = args;
    const { machineType, minimumNodesPerZone, maximumNodesPerZone, nodeDisk } = environment.plan.cluster;
    this.pool = this.make(
      gcp.container.NodePool,
      'pool',
      {
        name: nameOf('kubernetes', environment.name),
        cluster: args.cluster.id,
        // The cluster's own region: a zone here would be another pool. https://github.com/pulumi/pulumi-gcp/issues/1117
        location: environment.region,
        initialNodeCount: minimumNodesPerZone,
        autoscaling: {
          minNodeCount: minimumNodesPerZone,
          maxNodeCount: maximumNodesPerZone,
          locationPolicy: 'BALANCED',
        },
        management: { autoRepair: true, autoUpgrade: true },
        // One node more during an upgrade and none less: a gateway's connections move once, when its node goes.
        upgradeSettings: { strategy: 'SURGE', maxSurge: 1, maxUnavailable: 0 },
        networkConfig: { enablePrivateNodes: true },
        nodeConfig: {
          machineType,
          diskSizeGb: nodeDisk,
          diskType: 'pd-balanced',
          // A read-only root, and nothing but what runs containers. CIS GKE 5.5.1.
          imageType: 'COS_CONTAINERD',
          serviceAccount: nodeAccountEmail(environment),
          oauthScopes: [cloudPlatform],
          shieldedInstanceConfig: shielded,
          // Pods see the metadata of their own identity, never the node's. CIS GKE 5.2.2.
          workloadMetadataConfig: { mode: 'GKE_METADATA' },
          // Ways around IAM from the days before it. CIS GKE 5.4.1.
          metadata: { 'disable-legacy-endpoints': 'true' },
          kubeletConfig: { insecureKubeletReadonlyPortEnabled: 'FALSE' },
          resourceManagerTags: args.nodeTags,
        },
      },
      // Autoscaling moves the count, and each count is a replacement. https://github.com/pulumi/pulumi-gcp/issues/412
      { ignoreChanges: ['initialNodeCount'] },
    );
    this.finish({ pool: this.pool.name });
  }
}
