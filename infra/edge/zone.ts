import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { nameOf } from '../plan/names.ts';

export type ZoneArgs = ComponentArgs & {
  /** `iot.example.com` */
  domain: string;
  /** Addresses by host name. */
  hosts: Readonly<Record<string, pulumi.Input<string>>>;
  after: readonly pulumi.Resource[];
};

/** Seconds that resolvers keep a record: short enough to move an address within minutes. */
const ttl = 300;

/** The environment's names: its own zone, or records in one that the project has. */
export class Zone extends Component {
  /** Literal name of the managed zone. */
  readonly zone: string;
  /** To delegate the domain to; null where the zone was given. */
  readonly nameServers: pulumi.Output<string[]> | null;

  constructor(name: string, args: ZoneArgs, options: pulumi.ComponentResourceOptions) {
    super('edge:Zone', name, args, options);
    const { environment, domain, hosts } = args;
    const own = environment.dnsZone === 'create' ? this.#zone(args) : null;
    this.zone = own === null ? environment.dnsZone : zoneNameOf(environment.name);
    this.nameServers = own?.nameServers ?? null;
    const waits = [...args.after, ...(own === null ? [] : [own])];
    const record = (child: string, type: string, host: string, values: pulumi.Input<string>[]) =>
      // Devices and clients know the name.
      this.make(
        gcp.dns.RecordSet,
        child,
        { ...recordOf(this.zone, type, host, values), deletionPolicy: environment.tier.lifecycle.deletionPolicy },
        {
          guarded: true,
          dependsOn: waits,
        },
      );
    for (const [host, address] of Object.entries(hosts)) record(labelOf(host, domain), 'A', host, [address]);
    // Only the authorities that Google's certificates come from may issue for these names, in the order in which Cloud DNS
    // answers: RFC 8659, https://cloud.google.com/certificate-manager/docs/troubleshooting#caa
    record('caa', 'CAA', domain, ['0 issue "letsencrypt.org"', '0 issue "pki.goog"', '0 issuewild ";"']);
    this.finish({ zone: this.zone });
  }

  #zone({ environment, domain, after }: ZoneArgs): gcp.dns.ManagedZone {
    const { lifecycle } = environment.tier;
    return this.make(
      gcp.dns.ManagedZone,
      'zone',
      {
        name: zoneNameOf(environment.name),
        dnsName: `${domain}.`,
        description: `Names of environment ${environment.name}`,
        visibility: 'public',
        // An answer that somebody forged on the way is refused by resolvers that check. CIS GCP 3.3.
        // https://cloud.google.com/dns/docs/dnssec
        dnssecConfig: { state: 'on', nonExistence: 'nsec3' },
        // Who asked for what, for incidents. https://cloud.google.com/dns/docs/monitoring
        cloudLoggingConfig: { enableLogging: true },
        forceDestroy: lifecycle.forceDelete,
        deletionPolicy: lifecycle.deletionPolicy,
      },
      // A new zone has other name servers: the delegation at the registrar would lead nowhere.
      { guarded: true, dependsOn: [...after] },
    );
  }
}

const zoneNameOf = (environment: string): string => nameOf('dnsZone', environment, 'public');
/** `mqtt` of `mqtt.iot.example.com`. */
const labelOf = (host: string, domain: string): string => host.slice(0, -domain.length - 1);

/** A record in a zone; `host` without the final dot. */
export const recordOf = (
  managedZone: string,
  type: string,
  host: string,
  rrdatas: pulumi.Input<string>[],
): gcp.dns.RecordSetArgs => ({
  managedZone,
  name: `${host}.`,
  type,
  ttl,
  rrdatas,
});
