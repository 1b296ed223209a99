import * as gcp from '@pulumi/gcp';
import * as kubernetes from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';

export type AdministratorsArgs = ComponentArgs & {
  cluster: gcp.container.Cluster;
  kubernetes: kubernetes.Provider;
};

/**
 * What people do by hand beside reading: restart, scale, throw away a pod, run a job now. Everything else goes through the
 * program; secrets, rights and a shell inside a pod are not among it. It is no wall against the people themselves: who may
 * patch a deployment or create a job can run something as its account, on record in the audit log.
 */
export const operations: readonly { apiGroups: string[]; resources: string[]; verbs: string[] }[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['delete'] },
  { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
  { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  { apiGroups: [''], resources: ['pods/portforward'], verbs: ['create'] },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['patch'] },
  { apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['get', 'patch', 'update'] },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'delete'] },
];

/**
 * The role of `operations`. Bound in the platform's namespace alone (`PlatformNamespace`): a job in `kube-system`, where no
 * pod security standard holds, is root on a node, and a node of a Standard cluster hands out every pod's identity.
 */
export const operatorRole = 'iot-operator';

/** People who administer the environment, in the cluster: they read all of it but secrets, and may be bound to run it. */
export class Administrators extends Component {
  constructor(name: string, args: AdministratorsArgs, options: pulumi.ComponentResourceOptions) {
    super('cluster:Administrators', name, args, options);
    const { environment } = args;
    for (const [index, member] of [...environment.administrators].sort().entries())
      this.make(gcp.projects.IAMMember, `reader-${index}`, {
        project: environment.project,
        // `container.clusters.connect`, and reading of what is in a cluster without its secrets. Without a condition on the
        // cluster's name: the control plane's DNS endpoint is another resource, which such a condition never meets. Without
        // a custom role: its name is taken for weeks after a destroy.
        role: 'roles/container.viewer',
        member,
      });
    const within = { provider: args.kubernetes, deletedWith: args.cluster };
    this.make(
      kubernetes.rbac.v1.ClusterRole,
      'operator',
      { metadata: { name: operatorRole }, rules: operations.map((each) => ({ ...each })) },
      within,
    );
    this.finish({});
  }
}

/** Pure: IAM members as subjects of RBAC. Service accounts are users to Kubernetes, by their e-mail. */
export const subjectsOf = (members: readonly string[]) =>
  [...members].sort().map((member) => ({
    apiGroup: 'rbac.authorization.k8s.io',
    kind: member.startsWith('group:') ? 'Group' : 'User',
    name: member.slice(member.indexOf(':') + 1),
  }));

/**
 * Pure: the group that tells GKE which groups it may ask about; null when no group administers. It has to exist, with the
 * groups as its members. https://cloud.google.com/kubernetes-engine/docs/how-to/google-groups-rbac
 * @throws Error when groups are of more than one domain, which GKE cannot ask.
 */
export function securityGroupOf(members: readonly string[]): string | null {
  const groups = members.filter((member) => member.startsWith('group:'));
  const domains = [...new Set(groups.map((group) => group.slice(group.lastIndexOf('@') + 1)))].sort();
  if (domains.length > 1)
    throw new Error(
      `administrators has groups of ${domains.join(' and ')}: a cluster asks one domain about groups; name the others' people as user:…`,
    );
  return domains[0] === undefined ? null : `gke-security-groups@${domains[0]}`;
}
