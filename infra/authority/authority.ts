import * as gcp from '@pulumi/gcp';
import * as pulumi from '@pulumi/pulumi';
import { access, workloadNames } from '../access.ts';
import { Component, type ComponentArgs } from '../component.ts';
import { generated } from '../generation.ts';
import type { Identities } from '../identity/identities.ts';
import { memberOf } from '../identity/names.ts';
import { nameOf } from '../plan/names.ts';
import {
  caConfig,
  devicePolicy,
  issuingValues,
  nothingOfTheRequest,
  type Purpose,
  rootPolicy,
  serverPolicy,
  years,
} from './policies.ts';

export type AuthorityArgs = ComponentArgs & {
  /** Four hex digits, new after each destroy: Google keeps the names of pools and CAs. */
  generation: pulumi.Input<string>;
  identities: Identities;
};

/** A pool and the CAs in it. */
type Pool = { pool: gcp.certificateauthority.CaPool; authorities: readonly gcp.certificateauthority.Authority[] };

/**
 * Certificate authorities: one root, below it a CA for servers and, by choice, CAs for devices. Device certificates come by
 * default from an issuing CA whose key is in KMS: the `authority` job has the root sign it at run time, by a template that
 * makes it a CA for devices and nothing else.
 */
export class Authority extends Component {
  /** Full names, `projects/P/locations/L/caPools/POOL`; each is known once its CAs and grants are made. */
  readonly rootPool: pulumi.Output<string>;
  readonly serverPool: pulumi.Output<string>;
  /** null: devices get their certificates from the issuing CA with the key in KMS. */
  readonly devicePool: pulumi.Output<string> | null;
  /** Where the issuing CA is ours: full name of the template with which alone the issuing CA's certificate may be asked for; known at preview. */
  readonly issuingTemplate: string;

  constructor(name: string, args: AuthorityArgs, options: pulumi.ComponentResourceOptions) {
    super('authority:Authority', name, args, options);
    const { environment, identities, generation } = args;
    const templateId = nameOf('caPool', environment.name, 'issuing-ca');
    this.issuingTemplate = `projects/${environment.project}/locations/${environment.region}/certificateTemplates/${templateId}`;

    const root = this.#root(generation);
    const servers = this.#below(root, 'servers', 1, generation);
    const devices =
      environment.deviceCertificates === 'cas'
        ? this.#below(root, 'devices', environment.plan.certificates.authorities, generation)
        : null;
    // With CAS for devices nobody but CAS itself has CAs signed.
    const issuing = devices === null ? this.#issuing(root, templateId, identities) : [];

    this.rootPool = whenReady(root, issuing);
    this.serverPool = whenReady(
      servers,
      this.#requesters(
        'servers',
        servers,
        (may) => may.serverCertificate || (may.estCertificate && environment.domain !== null),
        identities,
      ),
    );
    this.devicePool =
      devices === null
        ? null
        : whenReady(
            devices,
            this.#requesters('devices', devices, (may) => may.signsDeviceCertificates, identities),
          );
    this.finish({ rootPool: this.rootPool, serverPool: this.serverPool, devicePool: this.devicePool });
  }

  #root(generation: pulumi.Input<string>): Pool {
    const { authority } = this.environment.tier;
    const pool = this.#pool('root', authority.caTier, rootPolicy(this.environment), generation);
    const ca = this.#authority('root', pool, 'IoT platform root CA', generation, {
      type: 'SELF_SIGNED',
      lifetime: years(authority.rootYears),
      config: caConfig('root'),
    });
    return { pool, authorities: [ca] };
  }

  /** A pool of CAs that the root signs; each CA signs 7 (Enterprise) or 25 (DevOps) certificates a second. */
  #below(root: Pool, purpose: Purpose, count: number, generation: pulumi.Input<string>): Pool {
    const { authority } = this.environment.tier;
    const pool =
      purpose === 'servers'
        ? this.#pool(purpose, authority.serverCaTier, serverPolicy(this.environment), generation)
        : // Devices' certificates live long: they have to be listed and revoked, which only Enterprise does.
          this.#pool(purpose, 'ENTERPRISE', devicePolicy(), generation);
    const authorities = Array.from({ length: count }, (_, index) => {
      const child = count === 1 && purpose === 'servers' ? purpose : `${purpose}-${index + 1}`;
      return this.#authority(child, pool, `IoT platform ${child} CA`, generation, {
        type: 'SUBORDINATE',
        lifetime: years(authority.issuingYears),
        config: caConfig(purpose),
        // The provider takes the request of the new CA to this one, and activates it with the answer.
        subordinateConfig: { certificateAuthority: signerOf(root).name },
      });
    });
    return { pool, authorities };
  }

  #pool(
    part: 'root' | Purpose,
    tier: 'ENTERPRISE' | 'DEVOPS',
    issuancePolicy: gcp.types.input.certificateauthority.CaPoolIssuancePolicy,
    generation: pulumi.Input<string>,
  ): gcp.certificateauthority.CaPool {
    const { environment } = this;
    return this.make(
      gcp.certificateauthority.CaPool,
      `${part}-pool`,
      {
        name: generated('caPool', generation, environment.name, part),
        location: environment.region,
        tier,
        issuancePolicy,
        // DevOps has no CRL. DER, because RFC 5280 sections 4.2.1.13 and 4.2.2.1 want it behind the URLs in certificates.
        publishingOptions: { publishCaCert: true, publishCrl: tier === 'ENTERPRISE', encodingFormat: 'DER' },
        deletionPolicy: environment.tier.lifecycle.deletionPolicy,
      },
      { guarded: true },
    );
  }

  #authority(
    child: string,
    pool: gcp.certificateauthority.CaPool,
    commonName: string,
    generation: pulumi.Input<string>,
    own: {
      type: 'SELF_SIGNED' | 'SUBORDINATE';
      lifetime: string;
      config: gcp.types.input.certificateauthority.AuthorityConfigX509Config;
      subordinateConfig?: gcp.types.input.certificateauthority.AuthoritySubordinateConfig;
    },
  ): gcp.certificateauthority.Authority {
    const { environment } = this;
    const { lifecycle } = environment.tier;
    const { config, ...rest } = own;
    return this.make(
      gcp.certificateauthority.Authority,
      `${child}-ca`,
      {
        certificateAuthorityId: generated('caPool', generation, environment.name, child),
        pool: pool.name,
        location: environment.region,
        ...rest,
        config: {
          subjectConfig: { subject: { organization: `iot-${environment.name}`, commonName } },
          x509Config: config,
        },
        // Google keeps the key in an HSM, whatever the tier.
        keySpec: { algorithm: 'EC_P256_SHA256' },
        desiredState: 'ENABLED',
        // The root is what devices hold in their flash: a mistaken delete has 30 days of grace, but where all is deletable.
        // https://cloud.google.com/certificate-authority-service/docs/managing-ca-state
        deletionProtection: lifecycle.apiProtection,
        skipGracePeriod: lifecycle.forceDelete,
        ignoreActiveCertificatesOnDeletion: lifecycle.forceDelete,
        deletionPolicy: lifecycle.deletionPolicy,
      },
      { guarded: true },
    );
  }

  #template(id: string): gcp.certificateauthority.CertificateTemplate {
    const { environment } = this;
    return this.make(gcp.certificateauthority.CertificateTemplate, 'issuing-template', {
      name: id,
      location: environment.region,
      description: 'A CA that signs devices and nothing else; its key is in KMS',
      predefinedValues: issuingValues,
      passthroughExtensions: nothingOfTheRequest,
      maximumLifetime: years(environment.tier.authority.issuingYears),
      identityConstraints: { allowSubjectPassthrough: true, allowSubjectAltNamesPassthrough: false },
    });
  }

  /** The devices service may ask the root for a CA, but only by the template. */
  #issuing(root: Pool, templateId: string, identities: Identities): pulumi.Resource[] {
    const { environment } = this;
    const template = this.#template(templateId);
    return workloadNames
      .filter((workload) => access[workload].signsDeviceCertificates)
      .flatMap((workload) => [
        this.make(
          gcp.certificateauthority.CaPoolIamMember,
          `root-${workload}`,
          {
            caPool: root.pool.id,
            role: 'roles/privateca.certificateRequester',
            member: memberOf(environment, workload),
            // Without it a taken-over devices service could have any certificate signed by the root, a server's included.
            // https://cloud.google.com/certificate-authority-service/docs/using-cel#iam-policy-cel
            condition: {
              title: 'issuing CA only',
              expression: `api.getAttribute("privateca.googleapis.com/template", "") == "${environment.project}/-/${templateId}"`,
            },
          },
          { dependsOn: identities.accounts[workload] },
        ),
        this.make(
          gcp.certificateauthority.CertificateTemplateIamMember,
          `template-${workload}`,
          {
            certificateTemplate: template.id,
            role: 'roles/privateca.templateUser',
            member: memberOf(environment, workload),
          },
          { dependsOn: identities.accounts[workload] },
        ),
      ]);
  }

  #requesters(
    part: Purpose,
    { pool }: Pool,
    who: (may: (typeof access)[keyof typeof access]) => boolean,
    identities: Identities,
  ): pulumi.Resource[] {
    return workloadNames
      .filter((workload) => who(access[workload]))
      .map((workload) =>
        this.make(
          gcp.certificateauthority.CaPoolIamMember,
          `${part}-${workload}`,
          {
            caPool: pool.id,
            role: 'roles/privateca.certificateRequester',
            member: memberOf(this.environment, workload),
          },
          { dependsOn: identities.accounts[workload] },
        ),
      );
  }
}

function signerOf({ authorities }: Pool): gcp.certificateauthority.Authority {
  const [signer] = authorities;
  if (signer === undefined) throw new Error('a pool without a CA cannot sign');
  return signer;
}

/** A pool's name that nobody can use before its CAs sign and its grants are made. */
const whenReady = ({ pool, authorities }: Pool, grants: readonly pulumi.Resource[]): pulumi.Output<string> =>
  pulumi
    .all([pool.id, ...authorities.map((ca) => ca.id), ...grants.map((grant) => (grant as pulumi.CustomResource).id)])
    .apply(([name]) => name as string);
