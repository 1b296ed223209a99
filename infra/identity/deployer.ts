import * as gcp from '@pulumi/gcp';
import * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { generated } from '../generation.ts';
import { nameOf } from '../plan/names.ts';
import { deployerRoles, secretsWithoutValues } from './deployer-roles.ts';
import { grantedToOthers } from './project-grants.ts';

export type DeployerArgs = ComponentArgs & {
  /** Repository and branch whose CI deploys; pass `environment.ci` where it is set, and make no Deployer where not. */
  ci: { repository: string; branch: string };
  /** Four hex digits, new after each destroy: Google keeps the names of pools and roles for 30 days and more. */
  generation: pulumi.Input<string>;
  /** E-mail of the nodes' service account and its resource: who makes a cluster has to be allowed to hand it over. */
  nodeServiceAccount: { email: string; ready: pulumi.Resource };
  /** Likewise the account that the archive's subscription writes as; null where nothing is archived. */
  archiveAccount: { email: string; ready: pulumi.Resource } | null;
};

const issuer = 'https://token.actions.githubusercontent.com';

/**
 * CI that deploys without a key: GitHub's own token, for one branch of one repository, is exchanged for a short-lived one
 * of the deploy account. https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines
 */
export class Deployer extends Component {
  /** What the workflow names: `projects/NUMBER/locations/global/workloadIdentityPools/…/providers/…`. */
  readonly provider: pulumi.Output<string>;
  /** E-mail of the deploy account, literal. */
  readonly email: string;

  constructor(name: string, args: DeployerArgs, options: pulumi.ComponentResourceOptions) {
    super('identity:Deployer', name, args, options);
    const { environment, ci, generation } = args;
    const accountId = nameOf('serviceAccount', environment.name, 'deployer');
    this.email = `${accountId}@${environment.project}.iam.gserviceaccount.com`;
    const account = this.make(gcp.serviceaccount.Account, 'account', {
      accountId,
      displayName: `${environment.name} deployer`,
      description: `Deploys environment ${environment.name} from ${ci.repository}, branch ${ci.branch}`,
    });
    const pool = this.#pool(generation);
    this.provider = this.#provider(pool, ci).name;
    this.#federation(pool, account, ci);
    this.#roles(account, generation);
    this.#handsOver(account, 'nodes', args.nodeServiceAccount);
    if (args.archiveAccount !== null) this.#handsOver(account, 'archive', args.archiveAccount);
    this.finish({ provider: this.provider, email: this.email });
  }

  #pool(generation: pulumi.Input<string>): gcp.iam.WorkloadIdentityPool {
    const { environment } = this;
    return this.make(gcp.iam.WorkloadIdentityPool, 'pool', {
      workloadIdentityPoolId: generated('identityPool', generation, environment.name, 'ci'),
      displayName: `${environment.name} CI`,
      description: 'Identities of CI runs that deploy',
    });
  }

  #provider(pool: gcp.iam.WorkloadIdentityPool, ci: DeployerArgs['ci']): gcp.iam.WorkloadIdentityPoolProvider {
    return this.make(gcp.iam.WorkloadIdentityPoolProvider, 'github', {
      workloadIdentityPoolId: pool.workloadIdentityPoolId,
      workloadIdentityPoolProviderId: 'github',
      displayName: 'GitHub Actions',
      attributeMapping: {
        'google.subject': 'assertion.sub',
        'attribute.source': 'assertion.repository + "@" + assertion.ref',
      },
      attributeCondition: attributeCondition(ci),
      oidc: { issuerUri: issuer },
    });
  }

  /** The account may be used by runs of that repository on that branch: said a second time, where the token is used. */
  #federation(pool: gcp.iam.WorkloadIdentityPool, account: gcp.serviceaccount.Account, ci: DeployerArgs['ci']): void {
    this.make(
      gcp.serviceaccount.IAMMember,
      'federation',
      {
        serviceAccountId: `projects/${this.environment.project}/serviceAccounts/${this.email}`,
        role: 'roles/iam.workloadIdentityUser',
        member: pulumi.interpolate`principalSet://iam.googleapis.com/${pool.name}/attribute.source/${ci.repository}@refs/heads/${ci.branch}`,
      },
      { dependsOn: account },
    );
  }

  #roles(account: gcp.serviceaccount.Account, generation: pulumi.Input<string>): void {
    const { project, name } = this.environment;
    const member = `serviceAccount:${this.email}`;
    const secrets = this.make(gcp.projects.IAMCustomRole, 'secrets-role', {
      // Letters, digits, _ and . only: https://cloud.google.com/iam/docs/reference/rest/v1/projects.roles/create
      roleId: pulumi.interpolate`iot_${name.replaceAll('-', '_')}_secrets_${generation}`,
      title: `${name}: secrets without their values`,
      permissions: [...secretsWithoutValues],
    });
    this.make(gcp.projects.IAMMember, 'secrets', { project, role: secrets.name, member }, { dependsOn: account });
    for (const { role } of deployerRoles)
      this.make(
        gcp.projects.IAMMember,
        role.slice(role.indexOf('/') + 1),
        {
          project,
          role,
          member,
          ...(role === 'roles/resourcemanager.projectIamAdmin' ? { condition: platformRolesOnly } : {}),
        },
        { dependsOn: account },
      );
  }

  /** Whoever gives a resource an account to act as needs the right to that account: `iam.serviceAccounts.actAs`. */
  #handsOver(account: gcp.serviceaccount.Account, child: string, to: DeployerArgs['nodeServiceAccount']): void {
    this.make(
      gcp.serviceaccount.IAMMember,
      child,
      {
        serviceAccountId: `projects/${this.environment.project}/serviceAccounts/${to.email}`,
        role: 'roles/iam.serviceAccountUser',
        member: `serviceAccount:${this.email}`,
      },
      { dependsOn: [account, to.ready] },
    );
  }
}

/**
 * Which tokens the pool takes at all. `pull_request_target` runs with the base branch's ref and a stranger's code at hand,
 * so that the event is named too.
 */
export const attributeCondition = ({ repository, branch }: DeployerArgs['ci']): string =>
  [
    `assertion.repository == "${repository}"`,
    `assertion.ref == "refs/heads/${branch}"`,
    'assertion.event_name in ["push", "workflow_dispatch", "schedule"]',
  ].join(' && ');

/**
 * The deploy account may grant and take back these roles and no other: a stolen run cannot make itself an owner. Its own
 * roles are not among them: who widens them is a person. Google takes ten names at most.
 * https://cloud.google.com/iam/docs/setting-limits-on-granting-roles
 */
export const platformRolesOnly = {
  title: 'roles of the platform only',
  expression: `api.getAttribute("iam.googleapis.com/modifiedGrantsByRole", []).hasOnly([${[...grantedToOthers]
    .sort()
    .map((role) => `"${role}"`)
    .join(', ')}])`,
};
