import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { nameOf } from '../plan/names.ts';
import type { Cidr } from '../plan/types.ts';
import { Firewall } from './firewall.ts';
import { GoogleApis } from './google-apis.ts';
import { Nat } from './nat.ts';

export type NetworkArgs = ComponentArgs;

/** Names of the nodes subnet's secondary ranges, as the cluster refers to them. */
export const rangeNames = { pods: 'pods', services: 'services' } as const;

/** Products that make endpoints in our network by themselves, by the name of their service class. */
const serviceClasses = { sql: 'google-cloud-sql', cache: 'gcp-memorystore' } as const;

/**
 * VPC of an environment, peered with nobody: databases and caches are reached by endpoints inside it, since a peering
 * cannot be deleted while its producer holds on to it (https://github.com/hashicorp/terraform-provider-google/issues/16275).
 */
export class Network extends Component {
  readonly vpc: gcp.compute.Network;
  readonly vpcId: pulumi.Output<string>;
  /** Nodes, with named ranges for pods and Kubernetes services. */
  readonly subnet: gcp.compute.Subnetwork;
  readonly subnetId: pulumi.Output<string>;
  /** Policies by which databases and caches get endpoints in this network: their instances depend on these. */
  readonly servicePolicies: pulumi.Resource[];
  /** Secure tags that nodes carry (key id to value id): targets of the firewall's ingress rules. */
  readonly nodeTags: pulumi.Output<Record<string, string>>;
  /** Routes, names and rules: a node that starts before these are there finds neither images nor control plane. */
  readonly ways: pulumi.Resource[];

  constructor(name: string, args: NetworkArgs, options: pulumi.ComponentResourceOptions) {
    super('network:Network', name, args, options);
    const { environment } = args;
    this.vpc = this.#vpc();
    this.subnet = this.#nodes();
    this.#proxies();
    this.servicePolicies = this.#servicePolicies(this.#privateServices());
    const given = { environment, vpc: this.vpc };
    const within = { parent: this };
    const firewall = new Firewall(`${name}-firewall`, given, within);
    const apis = new GoogleApis(`${name}-google-apis`, given, within);
    const nat = new Nat(`${name}-nat`, { ...given, nodes: this.subnet, podRange: rangeNames.pods }, within);
    this.ways = [firewall, apis, nat];
    this.nodeTags = firewall.nodeTags;
    this.vpcId = this.vpc.id;
    this.subnetId = this.subnet.id;
    this.finish({ network: this.vpc.id, subnet: this.subnet.id });
  }

  #vpc(): gcp.compute.Network {
    return this.make(
      gcp.compute.Network,
      'vpc',
      {
        name: nameOf('compute', this.environment.name),
        // A subnet in every region, with addresses that nobody planned, is what `true` makes. CIS GCP 3.1.
        autoCreateSubnetworks: false,
        routingMode: 'REGIONAL',
        // The routes are ours, so that they are in the state: nat.ts and google-apis.ts.
        deleteDefaultRoutesOnCreate: true,
        // GKE keeps its own rules for nodes in the older kind of firewall; they are judged first, ours next.
        networkFirewallPolicyEnforcementOrder: 'AFTER_CLASSIC_FIREWALL',
        deletionPolicy: this.environment.tier.lifecycle.deletionPolicy,
      },
      { guarded: true },
    );
  }

  #nodes(): gcp.compute.Subnetwork {
    const { addresses } = this.environment.plan;
    return this.make(
      gcp.compute.Subnetwork,
      'nodes',
      {
        ...this.#subnetArgs('nodes', addresses.nodes),
        secondaryIpRanges: [
          { rangeName: rangeNames.pods, ipCidrRange: addresses.pods },
          { rangeName: rangeNames.services, ipCidrRange: addresses.services },
        ],
        deletionPolicy: this.environment.tier.lifecycle.deletionPolicy,
      },
      // Its ranges cannot change under a cluster, and a replacement would take the cluster along.
      { guarded: true },
    );
  }

  /** Addresses of the proxies of regional load balancers; has no instances and hence no flows of its own. */
  #proxies(): void {
    this.make(gcp.compute.Subnetwork, 'proxies', {
      name: nameOf('compute', this.environment.name, 'proxies'),
      network: this.vpc.id,
      region: this.environment.region,
      ipCidrRange: this.environment.plan.addresses.proxies,
      purpose: 'REGIONAL_MANAGED_PROXY',
      role: 'ACTIVE',
    });
  }

  #privateServices(): gcp.compute.Subnetwork {
    return this.make(
      gcp.compute.Subnetwork,
      'private-services',
      this.#subnetArgs('private-services', this.environment.plan.addresses.privateServices),
    );
  }

  /** One policy per product, network and region, not per instance: a second one is refused by the API. */
  #servicePolicies(subnet: gcp.compute.Subnetwork): pulumi.Resource[] {
    const { name, region } = this.environment;
    return Object.entries(serviceClasses).map(([product, serviceClass]) =>
      this.make(gcp.networkconnectivity.ServiceConnectionPolicy, `${product}-endpoints`, {
        name: nameOf('compute', name, product, 'endpoints'),
        location: region,
        network: this.vpc.id,
        serviceClass,
        description: `Endpoints of ${serviceClass} in ${name}`,
        pscConfig: { subnetworks: [subnet.id] },
      }),
    );
  }

  #subnetArgs(part: string, range: Cidr) {
    const { name, region, hardening } = this.environment;
    return {
      name: nameOf('compute', name, part),
      network: this.vpc.id,
      region,
      ipCidrRange: range,
      // Nodes have no public address and reach Google's APIs none the less.
      privateIpGoogleAccess: true,
      // Who talked to whom, a tenth of the flows, aggregated: enough for an incident, affordable every day. CIS GCP 3.8.
      ...(hardening['network.flowLogs']
        ? {
            logConfig: {
              aggregationInterval: 'INTERVAL_5_MIN',
              flowSampling: 0.1,
              metadata: 'INCLUDE_ALL_METADATA',
            },
          }
        : {}),
    };
  }
}
