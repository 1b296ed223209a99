import * as gcp from '@pulumi/gcp';
import * as kubernetes from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { type Network, rangeNames } from '../network/network.ts';
import { Administrators, securityGroupOf } from './administrators.ts';
import { Admission } from './admission.ts';
import { Backup } from './backup.ts';
import { endpointOf, kubeconfigOf } from './kubeconfig.ts';
import { clusterIdentifier, clusterName, nodeAccountEmail } from './names.ts';
import { NodeAccount, NodePool } from './nodes.ts';
import { autopilotSettings, sharedSettings, standardSettings } from './settings.ts';

export type ClusterArgs = ComponentArgs & {
  network: Network;
  /** KMS key of Kubernetes secrets; the cluster's service agent may already use it. */
  secretsKey: pulumi.Input<string>;
  /** What has to be there before: APIs, the agents' grants. */
  after?: readonly pulumi.Resource[];
};

/**
 * What changes by itself and must not make a new cluster: each of these is a replacement when it differs.
 * nodeConfig, initialNodeCount: the pool a cluster is born with, which Autopilot and `removeDefaultNodePool` take away
 * (https://github.com/pulumi/pulumi-gcp/issues/2247, /412). dnsConfig: Autopilot writes its own (/1170).
 */
export const ignoredOfCluster = ['dnsConfig', 'initialNodeCount', 'nodeConfig'];

/** The Kubernetes cluster of an environment, and the provider through which everything in it is made. */
export class Cluster extends Component {
  readonly name: string;
  readonly cluster: gcp.container.Cluster;
  /** The only provider of Kubernetes objects. */
  readonly kubernetes: kubernetes.Provider;
  /** E-mail of the nodes' service account, literal: it reads images. */
  readonly nodeServiceAccount: string;
  /** `https://….gke.goog`: the control plane, with a certificate that every client trusts. */
  readonly endpoint: pulumi.Output<string>;
  /** For people: the same as the provider's, without a token and without a path. */
  readonly kubeconfig: pulumi.Output<string>;

  constructor(name: string, args: ClusterArgs, options: pulumi.ComponentResourceOptions) {
    super('cluster:Cluster', name, args, options);
    const { environment } = args;
    const within = { parent: this };
    this.name = clusterName(environment);
    this.nodeServiceAccount = nodeAccountEmail(environment);
    const nodeAccount = new NodeAccount(`${name}-nodes`, { environment }, within);
    this.cluster = this.#cluster(args, nodeAccount);
    const pool =
      environment.clusterMode === 'standard'
        ? new NodePool(
            `${name}-node-pool`,
            { environment, cluster: this.cluster, nodeTags: args.network.nodeTags },
            within,
          )
        : null;
    this.endpoint = this.cluster.controlPlaneEndpointsConfig.apply((config) =>
      endpointOf(config, environment.renderKubernetesTo !== null),
    );
    this.kubeconfig = kubeconfigOf({ name: this.name, server: this.endpoint });
    const admission = environment.hardening['cluster.binaryAuthorization']
      ? new Admission(`${name}-admission`, { environment }, within)
      : null;
    this.kubernetes = this.#provider([pool ?? this.cluster, ...(admission === null ? [] : [admission])]);
    if (environment.tier.cluster.backupDays !== null)
      new Backup(
        `${name}-backup`,
        { environment, cluster: this.cluster, days: environment.tier.cluster.backupDays },
        within,
      );
    if (environment.administrators.length > 0)
      new Administrators(
        `${name}-administrators`,
        { environment, cluster: this.cluster, kubernetes: this.kubernetes },
        within,
      );
    this.finish({ name: this.name, endpoint: this.endpoint });
  }

  #cluster({ environment, network, secretsKey, after = [] }: ClusterArgs, nodeAccount: NodeAccount) {
    const { lifecycle } = environment.tier;
    const securityGroup = securityGroupOf(environment.administrators);
    return this.make(
      gcp.container.Cluster,
      'cluster',
      {
        ...sharedSettings(environment),
        ...(environment.clusterMode === 'autopilot'
          ? autopilotSettings(this.nodeServiceAccount, {
              resourceManagerTags: network.nodeTags,
              nodeKubeletConfig: { insecureKubeletReadonlyPortEnabled: 'FALSE' },
            })
          : standardSettings(environment, this.nodeServiceAccount)),
        name: this.name,
        description: `Platform ${environment.name}`,
        // A region: control plane and nodes in three zones, in every tier.
        location: environment.region,
        network: network.vpcId,
        subnetwork: network.subnetId,
        ipAllocationPolicy: {
          clusterSecondaryRangeName: rangeNames.pods,
          servicesSecondaryRangeName: rangeNames.services,
        },
        databaseEncryption: environment.hardening['cluster.secretsEncryption']
          ? { state: 'ENCRYPTED', keyName: secretsKey }
          : { state: 'DECRYPTED' },
        ...(securityGroup === null ? {} : { authenticatorGroupsConfig: { securityGroup } }),
        deletionProtection: lifecycle.apiProtection,
        deletionPolicy: lifecycle.deletionPolicy,
      },
      {
        guarded: true,
        // The account's role too: a node without it never becomes ready.
        dependsOn: [nodeAccount, ...network.ways, ...after],
        ignoreChanges: ignoredOfCluster,
      },
    );
  }

  /** @param after Nodes, without which an object waits until its time is over; and what admits their images. */
  #provider(after: pulumi.Resource[]): kubernetes.Provider {
    const { renderKubernetesTo } = this.environment;
    return this.make(
      kubernetes.Provider,
      'kubernetes',
      {
        kubeconfig: this.kubeconfig,
        // Literal: see names.ts. https://github.com/pulumi/pulumi-gcp/issues/116
        clusterIdentifier: clusterIdentifier(this.environment),
        enableServerSideApply: true,
        // No `deleteUnreachable`: an object that cannot be reached is an error and not "deleted". Who has proven that the
        // cluster is gone says so for that run, with PULUMI_K8S_DELETE_UNREACHABLE=true.
        ...(renderKubernetesTo === null ? {} : { renderYamlToDirectory: renderKubernetesTo }),
      },
      { dependsOn: after },
    );
  }
}
