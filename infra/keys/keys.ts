import * as gcp from '@pulumi/gcp';
import * as pulumi from '@pulumi/pulumi';
import { access, type WorkloadName, workloadNames } from '../access.ts';
import { Component, type ComponentArgs } from '../component.ts';
import { generated } from '../generation.ts';
import type { Identities } from '../identity/identities.ts';
import { memberOf } from '../identity/names.ts';
import { nameOf } from '../plan/names.ts';

export type KeysArgs = ComponentArgs & {
  /** Four hex digits, new after each destroy: Google keeps a key ring's name for ever. */
  generation: pulumi.Input<string>;
  identities: Identities;
  /** IAM member of the project's Kubernetes Engine service agent, which encrypts the cluster's secrets. */
  clusterAgent: pulumi.Input<string>;
};

const day = 86_400;

/**
 * Keys of an environment in one key ring. A destroy schedules the key versions for destruction; the ring and the keys'
 * names stay in the project for ever, cost nothing and grant nothing (https://cloud.google.com/kms/docs/faq#cannot_delete).
 */
export class Keys extends Component {
  readonly ring: gcp.kms.KeyRing;
  /** Full name of the key that encrypts Kubernetes secrets; known once its grant is made. */
  readonly clusterSecrets: pulumi.Output<string>;
  /** Full name of the key version with which the issuing CA signs; known once its grants are made. */
  readonly issuingKey: pulumi.Output<string>;
  /** Full name of the key version that signs firmware manifests; known once its grants are made. */
  readonly firmwareKey: pulumi.Output<string>;

  constructor(name: string, args: KeysArgs, options: pulumi.ComponentResourceOptions) {
    super('keys:Keys', name, args, options);
    this.ring = this.#ring(args.generation);
    this.clusterSecrets = this.#clusterSecrets(args.clusterAgent);
    this.issuingKey = this.#signing('issuing-ca', args.identities, (may) => may.signsDeviceCertificates);
    this.firmwareKey = this.#signing('firmware', args.identities, (may) => may.signsFirmware);
    this.finish({ ring: this.ring.id });
  }

  #ring(generation: pulumi.Input<string>): gcp.kms.KeyRing {
    const { environment } = this;
    return this.make(gcp.kms.KeyRing, 'ring', {
      name: generated('kms', generation, environment.name),
      location: environment.region,
    });
  }

  #clusterSecrets(clusterAgent: pulumi.Input<string>): pulumi.Output<string> {
    const key = this.make(
      gcp.kms.CryptoKey,
      'cluster-secrets',
      {
        name: nameOf('kms', 'cluster-secrets'),
        keyRing: this.ring.id,
        purpose: 'ENCRYPT_DECRYPT',
        // A key that leaks opens 90 days of secrets at most. CIS GCP 1.10.
        rotationPeriod: `${90 * day}s`,
        ...this.#lasting(),
      },
      { guarded: true },
    );
    const grant = this.#grant('cluster-secrets-agent', key, 'roles/cloudkms.cryptoKeyEncrypterDecrypter', clusterAgent);
    return whenGranted(key.id, [grant]);
  }

  #signing(
    purpose: 'issuing-ca' | 'firmware',
    identities: Identities,
    who: (may: (typeof access)[WorkloadName]) => boolean,
  ): pulumi.Output<string> {
    const key = this.make(
      gcp.kms.CryptoKey,
      purpose,
      {
        name: nameOf('kms', purpose),
        keyRing: this.ring.id,
        purpose: 'ASYMMETRIC_SIGN',
        // P-256 is what constrained devices verify in hardware; Google rotates no signing key by itself.
        versionTemplate: {
          algorithm: 'EC_SIGN_P256_SHA256',
          protectionLevel: this.environment.tier.authority.keyProtection,
        },
        ...this.#lasting(),
      },
      { guarded: true },
    );
    const grants = workloadNames
      .filter((workload) => who(access[workload]))
      .flatMap((workload) =>
        // Signs and reads the public key; cannot make, disable or destroy versions.
        (['roles/cloudkms.signer', 'roles/cloudkms.publicKeyViewer'] as const).map((role) =>
          this.#grant(
            `${purpose}-${workload}-${role.slice('roles/cloudkms.'.length)}`,
            key,
            role,
            memberOf(this.environment, workload),
            identities.accounts[workload],
          ),
        ),
      );
    return whenGranted(pulumi.interpolate`${key.id}/cryptoKeyVersions/1`, grants);
  }

  #lasting() {
    const { lifecycle, keys } = this.environment.tier;
    return {
      // How long a destroyed version can be restored. Cannot be changed afterwards, so it does not follow `protection`.
      destroyScheduledDuration: `${keys.destroyDays * day}s`,
      deletionPolicy: lifecycle.deletionPolicy,
    };
  }

  #grant(
    child: string,
    key: gcp.kms.CryptoKey,
    role: string,
    member: pulumi.Input<string>,
    account?: pulumi.Resource,
  ): gcp.kms.CryptoKeyIAMMember {
    return this.make(
      gcp.kms.CryptoKeyIAMMember,
      child,
      { cryptoKeyId: key.id, role, member },
      account === undefined ? {} : { dependsOn: account },
    );
  }
}

/** A name that nobody can use before the grants on it are made. */
const whenGranted = (name: pulumi.Output<string>, grants: readonly gcp.kms.CryptoKeyIAMMember[]) =>
  pulumi.all([name, ...grants.map((grant) => grant.id)]).apply(([value]) => value as string);
