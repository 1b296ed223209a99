import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { nameOf } from '../plan/names.ts';

export type NetworkArgs = ComponentArgs;

/** VPC of an environment. */
export class Network extends Component {
  readonly vpc: gcp.compute.Network;
  readonly subnet: gcp.compute.Subnetwork;

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
        { rangeName: 'pods', ipCidrRange: addresses.pods },
        { rangeName: 'services', ipCidrRange: addresses.services },
      ],
    });
    this.finish({ network: this.vpc.id, subnet: this.subnet.id });
  }
}
