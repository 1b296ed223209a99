import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { projectRoles, type WorkloadName, workloadNames } from '../access.ts';
import { Component, type ComponentArgs } from '../component.ts';
import { accountIdOf, memberOf } from './names.ts';

export type IdentitiesArgs = ComponentArgs;

/**
 * One Google service account a workload, without keys: pods get tokens from the metadata server by Workload Identity
 * (`KubernetesIdentities` binds them once the cluster is there). Grants on resources are made by the components that own
 * the resources; here are only the roles that exist on a project alone.
 */
export class Identities extends Component {
  readonly accounts: Readonly<Record<WorkloadName, gcp.serviceaccount.Account>>;

  constructor(name: string, args: IdentitiesArgs, options: pulumi.ComponentResourceOptions) {
    super('identity:Identities', name, args, options);
    this.accounts = Object.fromEntries(workloadNames.map((workload) => [workload, this.#account(workload)])) as Record<
      WorkloadName,
      gcp.serviceaccount.Account
    >;
    for (const workload of workloadNames) this.#projectRoles(workload);
    this.finish({});
  }

  #account(workload: WorkloadName): gcp.serviceaccount.Account {
    const { environment } = this;
    return this.make(gcp.serviceaccount.Account, workload, {
      accountId: accountIdOf(environment, workload),
      displayName: `${environment.name} ${workload}`,
      description: `What pods of ${workload} may do in environment ${environment.name}`,
    });
  }

  #projectRoles(workload: WorkloadName): void {
    for (const role of projectRoles)
      this.make(
        gcp.projects.IAMMember,
        `${workload}-${role.slice(role.indexOf('/') + 1)}`,
        { project: this.environment.project, role, member: memberOf(this.environment, workload) },
        // The member is a literal, so that policies can judge it; the account has to be there first.
        { dependsOn: this.accounts[workload] },
      );
  }
}
