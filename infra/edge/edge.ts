import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { apiHostOf, edgeNames, mqttHostOf } from './names.ts';

export type EdgeArgs = ComponentArgs & {
  /** What must stand first: enabled APIs. */
  after: readonly pulumi.Resource[];
};

/** How devices and people reach the environment: addresses, names, certificate and rules. The cloud's side of it. */
export class Edge extends Component {
  /** Address that devices connect to, port 8883. */
  readonly mqttAddress: pulumi.Output<string>;
  /** Address of the API; null without a domain. */
  readonly apiAddress: pulumi.Output<string> | null;
  /** `mqtt.<domain>` and `api.<domain>`; null without a domain. */
  readonly mqttHost: string | null;
  readonly apiHost: string | null;
  /** Name servers to delegate the domain to; null where the zone was given, or without a domain. */
  readonly nameServers: pulumi.Output<string[]> | null;

  constructor(name: string, args: EdgeArgs, options: pulumi.ComponentResourceOptions) {
    super('edge:Edge', name, args, options);
    const { environment } = args;
    this.mqttHost = mqttHostOf(environment);
    this.apiHost = apiHostOf(environment);
    this.mqttAddress = this.#mqttAddress(args).address;
    this.apiAddress = null;
    this.nameServers = null;
    this.finish({ mqttAddress: this.mqttAddress });
  }

  /** Devices know it, by name or by number: it outlives every load balancer. */
  #mqttAddress({ environment, after }: EdgeArgs): gcp.compute.Address {
    return this.make(
      gcp.compute.Address,
      'mqtt',
      {
        name: edgeNames(environment).mqttAddress,
        region: environment.region,
        addressType: 'EXTERNAL',
        // The load balancer passes packets through; only premium addresses work with its class.
        networkTier: 'PREMIUM',
        deletionPolicy: environment.tier.lifecycle.deletionPolicy,
      },
      { guarded: true, dependsOn: [...after] },
    );
  }
}
