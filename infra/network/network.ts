import * as gcp from '@pulumi/gcp';
import * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { nameOf } from '../plan/names.ts';

export type NetworkArgs = ComponentArgs;

/** Names of the nodes subnet's secondary ranges, as the cluster refers to them. */
export const rangeNames = { pods: 'pods', services: 'services' } as const;

/** VPC of an environment. */
export class Network extends Component {
  readonly vpc: gcp.compute.Network;
  readonly vpcId: pulumi.Output<string>;
  /** Nodes, with named ranges for pods and Kubernetes services. */
  readonly subnet: gcp.compute.Subnetwork;
  readonly subnetId: pulumi.Output<string>;
  /** Addresses of databases and caches; a policy per product makes endpoints in it. Instances depend on these. */
  readonly servicePolicies: pulumi.Resource[];
  /** Secure tags that nodes carry (key id to value id): targets of the firewall's ingress rules. */
  readonly nodeTags: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: NetworkArgs, options: pulumi.ComponentResourceOptions) {
    super('network:Network', name, args, options);
    const { environment } = args;
    const { addresses } = environment.plan;
    this.vpc = this.make(gcp.compute.Network, 'vpc', {
      name: nameOf('compute', environment.name),
      autoCreateSubnetworks: false,
      routingMode: 'REGIONAL',
    });
    this.subnet = this.make(gcp.compute.Subnetwork, 'nodes', {
      name: nameOf('compute', environment.name, 'nodes'),
      network: this.vpc.id,
      region: environment.region,
      ipCidrRange: addresses.nodes,
      privateIpGoogleAccess: true,
      secondaryIpRanges: [
        { rangeName: rangeNames.pods, ipCidrRange: addresses.pods },
        { rangeName: rangeNames.services, ipCidrRange: addresses.services },
      ],
    });
    this.servicePolicies = [];
    this.nodeTags = pulumi.output({} as Record<string, string>);
    this.vpcId = this.vpc.id;
    this.subnetId = this.subnet.id;
    this.finish({ network: this.vpc.id, subnet: this.subnet.id });
  }
}
