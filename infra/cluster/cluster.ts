import * as gcp from '@pulumi/gcp';
import * as kubernetes from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { type Network, rangeNames } from '../network/network.ts';
import { kubeconfigOf } from './kubeconfig.ts';
import { clusterIdentifier, clusterName, nodeAccountEmail, nodeAccountId } from './names.ts';

export type ClusterArgs = ComponentArgs & {
  network: Network;
  /** KMS key of Kubernetes secrets; the cluster's service agent may already use it. */
  secretsKey: pulumi.Input<string>;
  /** What has to be there before: APIs, the agent's grant on the key. */
  after?: readonly pulumi.Resource[];
};

/** The Kubernetes cluster of an environment, and the provider through which everything in it is made. */
export class Cluster extends Component {
  readonly name: string;
  readonly cluster: gcp.container.Cluster;
  /** The only provider of Kubernetes objects. */
  readonly kubernetes: kubernetes.Provider;
  /** E-mail of the nodes' service account, literal: it reads images. */
  readonly nodeServiceAccount: string;
  /** `https://…gke.goog`: control plane, with a certificate that every client trusts. */
  readonly endpoint: pulumi.Output<string>;

  constructor(name: string, args: ClusterArgs, options: pulumi.ComponentResourceOptions) {
    super('cluster:Cluster', name, args, options);
    const { environment, network } = args;
    const { lifecycle } = environment.tier;
    this.name = clusterName(environment);
    this.nodeServiceAccount = nodeAccountEmail(environment);
    const account = this.make(gcp.serviceaccount.Account, 'node-account', { accountId: nodeAccountId(environment) });
    this.cluster = this.make(
      gcp.container.Cluster,
      'cluster',
      {
        name: this.name,
        location: environment.region,
        enableAutopilot: true,
        network: network.vpcId,
        subnetwork: network.subnetId,
        ipAllocationPolicy: {
          clusterSecondaryRangeName: rangeNames.pods,
          servicesSecondaryRangeName: rangeNames.services,
        },
        databaseEncryption: { state: 'ENCRYPTED', keyName: args.secretsKey },
        deletionProtection: lifecycle.apiProtection,
        deletionPolicy: lifecycle.deletionPolicy,
      },
      { guarded: true, dependsOn: [account, ...(args.after ?? [])] },
    );
    this.endpoint = this.cluster.controlPlaneEndpointsConfig.apply((c) => `https://${c.dnsEndpointConfig?.endpoint}`);
    this.kubernetes = this.make(kubernetes.Provider, 'kubernetes', {
      kubeconfig: kubeconfigOf({ name: this.name, server: this.endpoint }),
      clusterIdentifier: clusterIdentifier(environment),
      enableServerSideApply: true,
      ...(environment.renderKubernetesTo === null ? {} : { renderYamlToDirectory: environment.renderKubernetesTo }),
    });
    this.finish({ name: this.name, endpoint: this.endpoint });
  }
}
