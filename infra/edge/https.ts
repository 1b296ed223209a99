import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { armorRules } from './firewall.ts';
import { edgeNames } from './names.ts';
import { recordOf, type Zone } from './zone.ts';

export type HttpsArgs = ComponentArgs & {
  /** `api.iot.example.com` */
  host: string;
  zone: Zone;
  after: readonly pulumi.Resource[];
};

/** What the API's load balancer presents and how it judges: certificate, lowest TLS, firewall. `Routes` refers to them by name. */
export class Https extends Component {
  constructor(name: string, args: HttpsArgs, options: pulumi.ComponentResourceOptions) {
    super('edge:Https', name, args, options);
    this.#certificate(args);
    this.#tls(args);
    if (args.environment.hardening['edge.cloudArmor']) this.#firewall(args);
    this.finish({ host: args.host });
  }

  /** Google makes and renews it; a DNS record proves the name, so that it is there before the first request. */
  #certificate({ environment, host, zone, after }: HttpsArgs): void {
    const name = edgeNames(environment).certificateMap;
    const here = { dependsOn: [...after] };
    const authorization = this.make(
      gcp.certificatemanager.DnsAuthorization,
      'proof',
      { name, domain: host, type: 'FIXED_RECORD' },
      here,
    );
    const rendered = this.environment.renderKubernetesTo !== null;
    const proof = authorization.dnsResourceRecords.apply((records) => proofOf(records, host, rendered));
    // https://cloud.google.com/certificate-manager/docs/dns-authorizations
    const record = this.make(
      gcp.dns.RecordSet,
      'proof-record',
      recordOf(zone.zone, 'CNAME', `_acme-challenge.${host}`, [proof]),
      { dependsOn: [zone] },
    );
    const certificate = this.make(
      gcp.certificatemanager.Certificate,
      'certificate',
      { name, scope: 'DEFAULT', managed: { domains: [host], dnsAuthorizations: [authorization.id] } },
      { dependsOn: [record] },
    );
    const map = this.make(gcp.certificatemanager.CertificateMap, 'certificates', { name }, here);
    this.make(gcp.certificatemanager.CertificateMapEntry, 'certificates-api', {
      name,
      map: map.name,
      hostname: host,
      certificates: [certificate.id],
    });
  }

  #tls({ environment, after }: HttpsArgs): void {
    this.make(
      gcp.compute.SSLPolicy,
      'tls',
      {
        name: edgeNames(environment).tlsPolicy,
        // No TLS 1.0 and 1.1, no cipher without forward secrecy. CIS GCP 3.9.
        // https://cloud.google.com/load-balancing/docs/ssl-policies-concepts
        profile: 'MODERN',
        minTlsVersion: 'TLS_1_2',
      },
      { dependsOn: [...after] },
    );
  }

  #firewall({ environment, after }: HttpsArgs): void {
    this.make(
      gcp.compute.SecurityPolicy,
      'firewall',
      {
        name: edgeNames(environment).securityPolicy,
        description: `In front of the API of environment ${environment.name}`,
        type: 'CLOUD_ARMOR',
        rules: armorRules(),
        // Learns what is usual and alerts on floods. https://cloud.google.com/armor/docs/adaptive-protection-overview
        adaptiveProtectionConfig: { layer7DdosDefenseConfig: { enable: true, ruleVisibility: 'STANDARD' } },
        // Bodies are JSON: rules judge their values, not braces and quotes. https://cloud.google.com/armor/docs/json-content-parsing
        advancedOptionsConfig: { jsonParsing: 'STANDARD', logLevel: 'NORMAL' },
      },
      { dependsOn: [...after] },
    );
  }
}

/**
 * Pure: where the certificate's proof points, from what the API answered.
 * @param rendered Kubernetes objects are written to files: a cloud that makes no proofs will do.
 * @throws Error when there is none: a certificate without proof stays PROVISIONING for ever.
 */
export function proofOf(records: readonly { data: string }[] | undefined, host: string, rendered: boolean): string {
  const target = records?.[0]?.data;
  if (target) return target;
  if (rendered) return 'authorize.invalid.';
  throw new Error(
    `Certificate Manager gave no DNS record that proves ${host} is yours: look at \`gcloud certificate-manager dns-authorizations list\`, then run \`pulumi refresh\` and \`pulumi up\` again`,
  );
}
