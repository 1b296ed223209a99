import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { Https } from './https.ts';
import { apiHostOf, edgeNames, estHostOf, mqttHostOf } from './names.ts';
import { Zone } from './zone.ts';

export type EdgeArgs = ComponentArgs & {
  /** What must stand first: enabled APIs. */
  after: readonly pulumi.Resource[];
};

/**
 * How devices and people reach the environment, the cloud's side of it: addresses, names, certificate, rules. Made before
 * the workloads; the load balancers themselves are made by the cluster, from `Workloads` and `Routes`. Without a domain
 * devices have an address, and the API is reached through the cluster alone: docs/how-to/expose.md.
 */
export class Edge extends Component {
  /** Address that devices connect to, port 8883. */
  readonly mqttAddress: pulumi.Output<string>;
  /** Address of the API; null without a domain. */
  readonly apiAddress: pulumi.Output<string> | null = null;
  /** Address of EST, port 443; null without a domain. */
  readonly estAddress: pulumi.Output<string> | null = null;
  /** `mqtt.<domain>`, `api.<domain>` and `est.<domain>`; null without a domain. */
  readonly mqttHost: string | null;
  readonly apiHost: string | null;
  readonly estHost: string | null;
  /** Name servers to delegate the domain to; null where the zone was given, or without a domain. */
  readonly nameServers: pulumi.Output<string[]> | null = null;

  constructor(name: string, args: EdgeArgs, options: pulumi.ComponentResourceOptions) {
    super('edge:Edge', name, args, options);
    const { environment, after } = args;
    this.mqttHost = mqttHostOf(environment);
    this.apiHost = apiHostOf(environment);
    this.estHost = estHostOf(environment);
    const { mqttAddress, estAddress } = edgeNames(environment);
    this.mqttAddress = this.#regional('mqtt', mqttAddress, `Devices of environment ${environment.name}`, args).address;
    const { domain } = environment;
    if (domain !== null && this.mqttHost !== null && this.apiHost !== null && this.estHost !== null) {
      this.apiAddress = this.#apiAddress(args).address;
      this.estAddress = this.#regional('est', estAddress, `Enrolment of environment ${environment.name}`, args).address;
      const hosts = {
        [this.mqttHost]: this.mqttAddress,
        [this.apiHost]: this.apiAddress,
        [this.estHost]: this.estAddress,
      };
      const zone = new Zone(`${name}-dns`, { environment, domain, hosts, after }, { parent: this });
      new Https(`${name}-https`, { environment, host: this.apiHost, zone, after }, { parent: this });
      this.nameServers = zone.nameServers;
    }
    this.finish({
      mqttAddress: this.mqttAddress,
      mqttHost: this.mqttHost,
      apiHost: this.apiHost,
      estHost: this.estHost,
    });
  }

  /** Devices know it, by name or by number: it outlives every load balancer. */
  #regional(child: string, name: string, description: string, { environment, after }: EdgeArgs): gcp.compute.Address {
    return this.make(
      gcp.compute.Address,
      child,
      {
        name,
        region: environment.region,
        addressType: 'EXTERNAL',
        networkTier: 'PREMIUM',
        description,
        deletionPolicy: environment.tier.lifecycle.deletionPolicy,
      },
      { guarded: true, dependsOn: [...after] },
    );
  }

  #apiAddress({ environment, after }: EdgeArgs): gcp.compute.GlobalAddress {
    return this.make(
      gcp.compute.GlobalAddress,
      'api',
      {
        name: edgeNames(environment).apiAddress,
        addressType: 'EXTERNAL',
        ipVersion: 'IPV4',
        description: `API of environment ${environment.name}`,
        deletionPolicy: environment.tier.lifecycle.deletionPolicy,
      },
      { guarded: true, dependsOn: [...after] },
    );
  }
}
