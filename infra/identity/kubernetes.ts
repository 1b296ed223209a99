import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { workloadNames } from '../access.ts';
import { Component, type ComponentArgs } from '../component.ts';
import type { Identities } from './identities.ts';
import { emailOf, kubernetesMemberOf } from './names.ts';

export type KubernetesIdentitiesArgs = ComponentArgs & {
  identities: Identities;
  /** The identity pool `PROJECT.svc.id.goog` begins with the project's first cluster; a binding before that is refused. */
  cluster: pulumi.Resource;
};

/**
 * Binds each workload's Kubernetes service account to its Google service account: exactly one account of exactly one
 * namespace, never a whole namespace or cluster.
 * https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity#kubernetes-sa-to-iam
 */
export class KubernetesIdentities extends Component {
  /** The bindings, for what starts pods to depend on. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: KubernetesIdentitiesArgs, options: pulumi.ComponentResourceOptions) {
    super('identity:KubernetesIdentities', name, args, options);
    const { environment, identities, cluster } = args;
    this.ready = workloadNames.map((workload) =>
      this.make(
        gcp.serviceaccount.IAMMember,
        workload,
        {
          serviceAccountId: `projects/${environment.project}/serviceAccounts/${emailOf(environment, workload)}`,
          role: 'roles/iam.workloadIdentityUser',
          member: kubernetesMemberOf(environment, workload),
        },
        { dependsOn: [identities.accounts[workload], cluster] },
      ),
    );
    this.finish({});
  }
}
