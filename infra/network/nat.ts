import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { nameOf } from '../plan/names.ts';

export type NatArgs = ComponentArgs & { vpc: gcp.compute.Network; nodes: gcp.compute.Subnetwork; podRange: string };

/** The way to the internet for nodes, which have no address there. What may use it is the firewall's to say. */
export class Nat extends Component {
  constructor(name: string, args: NatArgs, options: pulumi.ComponentResourceOptions) {
    super('network:Nat', name, args, options);
    const { environment } = args;
    const route = this.make(gcp.compute.Route, 'route', {
      name: nameOf('compute', environment.name, 'internet'),
      network: args.vpc.id,
      description: 'Internet, by NAT: replies to devices, and what the firewall allows',
      destRange: '0.0.0.0/0',
      nextHopGateway: 'default-internet-gateway',
      priority: 1_000,
    });
    const router = this.make(gcp.compute.Router, 'router', {
      name: nameOf('compute', environment.name),
      network: args.vpc.id,
      region: environment.region,
    });
    this.make(
      gcp.compute.RouterNat,
      'gateway',
      {
        name: nameOf('compute', environment.name),
        router: router.name,
        region: environment.region,
        natIpAllocateOption: 'AUTO_ONLY',
        // Nodes and pods by name: another subnet of this network gets no way out by accident.
        sourceSubnetworkIpRangesToNat: 'LIST_OF_SUBNETWORKS',
        subnetworks: [
          {
            name: args.nodes.id,
            sourceIpRangesToNats: ['PRIMARY_IP_RANGE', 'LIST_OF_SECONDARY_IP_RANGES'],
            secondaryIpRangeNames: [args.podRange],
          },
        ],
        // A node begins with few ports and gets more as its pods need them, up to a share that leaves the others theirs;
        // only without endpoint independent mapping. https://cloud.google.com/nat/docs/ports-and-addresses#dynamic-port
        enableDynamicPortAllocation: true,
        enableEndpointIndependentMapping: false,
        minPortsPerVm: 64,
        maxPortsPerVm: 4_096,
        // Dropped packets alone: each means that ports ran out.
        logConfig: { enable: true, filter: 'ERRORS_ONLY' },
      },
      { dependsOn: [route] },
    );
    this.finish({});
  }
}
