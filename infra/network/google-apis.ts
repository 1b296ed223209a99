import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { nameOf } from '../plan/names.ts';
import { restrictedAddresses, restrictedApis } from './firewall-rules.ts';

/**
 * Names under which Google's services answer on the restricted addresses, and what needs them.
 * https://cloud.google.com/vpc/docs/configure-private-google-access#domain-options
 */
export const googleDomains = {
  'googleapis.com': 'all APIs',
  'gcr.io': 'images of the cluster itself',
  'pkg.dev': 'images of the platform',
  'gke.goog': 'the control plane by its DNS name, from inside',
} as const;

export type GoogleApisArgs = ComponentArgs & { vpc: gcp.compute.Network };

/**
 * The way to Google's services that does not lead over the internet: private zones answer their names with the restricted
 * addresses, and a route of its own leads there. Where egress is denied this is the only way, so that a name which is
 * missing here fails at once and by name.
 */
export class GoogleApis extends Component {
  constructor(name: string, args: GoogleApisArgs, options: pulumi.ComponentResourceOptions) {
    super('network:GoogleApis', name, args, options);
    this.make(gcp.compute.Route, 'route', {
      name: nameOf('compute', args.environment.name, 'google-apis'),
      network: args.vpc.id,
      description: 'Restricted addresses of Google APIs; stays when the way to the internet is taken away',
      destRange: restrictedApis,
      nextHopGateway: 'default-internet-gateway',
      priority: 900,
    });
    for (const [domain, why] of Object.entries(googleDomains)) this.#zone(domain, why, args.vpc);
    this.finish({});
  }

  #zone(domain: string, why: string, vpc: gcp.compute.Network): void {
    const child = domain.replaceAll('.', '-');
    const zone = this.make(gcp.dns.ManagedZone, child, {
      name: nameOf('dnsZone', this.environment.name, child),
      dnsName: `${domain}.`,
      description: `${why}, on restricted addresses`,
      visibility: 'private',
      privateVisibilityConfig: { networks: [{ networkUrl: vpc.id }] },
    });
    this.make(gcp.dns.RecordSet, `${child}-a`, {
      managedZone: zone.name,
      // `restricted.googleapis.com` itself too: some clients ask for it by name.
      name: domain === 'googleapis.com' ? `restricted.${domain}.` : `${domain}.`,
      type: 'A',
      ttl: 300,
      rrdatas: [...restrictedAddresses],
    });
    this.make(gcp.dns.RecordSet, `${child}-all`, {
      managedZone: zone.name,
      name: `*.${domain}.`,
      type: 'CNAME',
      ttl: 300,
      rrdatas: [domain === 'googleapis.com' ? `restricted.${domain}.` : `${domain}.`],
    });
  }
}
