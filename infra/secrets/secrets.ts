import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { access, type SecretName, secretNames, workloadNames } from '../access.ts';
import { Component, type ComponentArgs } from '../component.ts';
import type { Identities } from '../identity/identities.ts';
import { memberOf } from '../identity/names.ts';
import { nameOf } from '../plan/names.ts';

export type SecretsArgs = ComponentArgs & { identities: Identities };

const day = 86_400;

/**
 * Secrets that the platform keeps for itself, as empty boxes: the services that may write put the values in at run time,
 * so that none is ever in the program, its state or a log.
 */
export class Secrets extends Component {
  /** Full names, `projects/P/secrets/NAME`, known at preview. */
  readonly names: Readonly<Record<SecretName, string>>;
  /** Secrets and their grants: what reads a secret depends on these. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: SecretsArgs, options: pulumi.ComponentResourceOptions) {
    super('secrets:Secrets', name, args, options);
    const { environment, identities } = args;
    this.names = Object.fromEntries(
      secretNames.map((secret) => [secret, `projects/${environment.project}/secrets/${this.#idOf(secret)}`]),
    ) as Record<SecretName, string>;
    const ready: pulumi.Resource[] = [];
    for (const secret of secretNames) {
      const box = this.#secret(secret);
      ready.push(box, ...this.#workloadGrants(secret, box, identities));
      if (secret === 'first-administrator') ready.push(...this.#administratorGrants(secret, box));
    }
    this.ready = ready;
    this.finish({ names: this.names });
  }

  #idOf(secret: SecretName): string {
    return nameOf('secret', this.environment.name, secret);
  }

  #secret(secret: SecretName): gcp.secretmanager.Secret {
    const { lifecycle } = this.environment.tier;
    return this.make(
      gcp.secretmanager.Secret,
      secret,
      {
        secretId: this.#idOf(secret),
        // Only in the environment's region: automatic replication may put a copy on any continent.
        // https://cloud.google.com/secret-manager/docs/choosing-replication
        replication: { userManaged: { replicas: [{ location: this.environment.region }] } },
        // A version destroyed by mistake can be brought back for a week.
        // https://cloud.google.com/secret-manager/docs/secret-delayed-destruction
        versionDestroyTtl: `${7 * day}s`,
        deletionPolicy: lifecycle.deletionPolicy,
        deletionProtection: lifecycle.apiProtection,
      },
      { guarded: true },
    );
  }

  #workloadGrants(secret: SecretName, box: pulumi.Resource, identities: Identities): pulumi.Resource[] {
    return workloadNames.flatMap((workload) => {
      const may = access[workload];
      const roles = [
        ...(may.readSecrets.includes(secret) ? ['roles/secretmanager.secretAccessor'] : []),
        ...(may.writeSecrets.includes(secret) ? ['roles/secretmanager.secretVersionAdder'] : []),
      ];
      return roles.map((role) =>
        this.#grant(`${secret}-${workload}-${shortOf(role)}`, secret, role, memberOf(this.environment, workload), [
          box,
          identities.accounts[workload],
        ]),
      );
    });
  }

  /** Who redeems the one-time code of the first administrator has to be able to read it. */
  #administratorGrants(secret: SecretName, box: pulumi.Resource): pulumi.Resource[] {
    return this.environment.administrators.map((member) =>
      this.#grant(`${secret}-${member.replace(':', '-')}`, secret, 'roles/secretmanager.secretAccessor', member, [box]),
    );
  }

  #grant(child: string, secret: SecretName, role: string, member: string, dependsOn: pulumi.Resource[]) {
    return this.make(
      gcp.secretmanager.SecretIamMember,
      child,
      { project: this.environment.project, secretId: this.#idOf(secret), role, member },
      { dependsOn },
    );
  }
}

const shortOf = (role: string): string => role.slice(role.lastIndexOf('.') + 1);
