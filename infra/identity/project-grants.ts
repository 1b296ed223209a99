import { projectRoles, workloadNames } from '../access.ts';
import type { Registration } from '../recording/record.ts';
import { deployerRoles } from './deployer-roles.ts';

/**
 * Every grant on the project that this program makes, with its reason. All others are on the resource itself. A test runs
 * this list over the recorded program: a grant that is not here fails, and so does a line that nothing uses.
 */
export type ProjectGrant = {
  role: string | RegExp;
  /** Who may have it. */
  to: RegExp;
  /** It has to have a condition that narrows it to resources of the environment. */
  narrowed: boolean;
  why: string;
};

const workload = new RegExp(`^serviceAccount:[a-z0-9-]+-(${workloadNames.join('|')})@`);
const nodes = /^serviceAccount:[a-z0-9-]+-nodes@/;
const deployer = /^serviceAccount:[a-z0-9-]+-deployer@/;
const googleAgent =
  /^serviceAccount:(service-\d+@container-engine-robot\.iam|\d+@cloudservices)\.gserviceaccount\.com$/;
const person = /^(user|group|serviceAccount):/;

export const projectGrants: readonly ProjectGrant[] = [
  ...projectRoles.map((role) => ({
    role,
    to: workload,
    narrowed: false,
    why: 'writes traces and metrics, which belong to the project; it reads nothing',
  })),
  {
    role: 'roles/cloudsql.client',
    to: workload,
    narrowed: true,
    why: 'Cloud SQL has no grants on an instance; the condition names those that the workload uses',
  },
  { role: 'roles/cloudsql.instanceUser', to: workload, narrowed: true, why: 'as cloudsql.client: login by IAM' },
  {
    role: 'roles/memorystore.dbConnectionUser',
    to: workload,
    narrowed: true,
    why: 'Memorystore has no grants on an instance; the condition names it',
  },
  {
    role: 'roles/datastore.user',
    to: workload,
    narrowed: true,
    why: 'Firestore has no grants on a database; the condition names it',
  },
  {
    role: 'roles/container.defaultNodeServiceAccount',
    to: nodes,
    narrowed: false,
    why: 'nodes write logs and metrics, which belong to the project; it is the least that Google supports',
  },
  {
    role: 'roles/container.viewer',
    to: person,
    narrowed: false,
    why: 'administrators reach the control plane, for which no narrower condition works; it reads no secret',
  },
  {
    role: 'roles/resourcemanager.tagUser',
    to: googleAgent,
    narrowed: false,
    why: 'GKE and Compute Engine attach the secure tag of the firewall to machines that do not exist yet',
  },
  {
    role: 'roles/resourcemanager.tagHoldAdmin',
    to: googleAgent,
    narrowed: false,
    why: 'GKE holds the secure tag while nodes carry it',
  },
  ...deployerRoles.map(({ role, why }) => ({
    role,
    to: deployer,
    narrowed: role === 'roles/resourcemanager.projectIamAdmin',
    why,
  })),
  {
    role: /\/roles\/iot_[a-z0-9_]+_secrets_[0-9a-f]{4}$/,
    to: deployer,
    narrowed: false,
    why: 'makes secrets and grants their use, and reads none; on the project because they do not exist yet',
  },
];

/** Roles that a deploy grants to others on the project. */
export const grantedToOthers: readonly string[] = projectGrants
  .filter(({ to }) => to !== deployer)
  .flatMap(({ role }) => (typeof role === 'string' ? [role] : []));

/** Grants that replace what others have made, on any resource: `IAMBinding` for a role, `IAMPolicy` for all. */
const replacing = /IAM(Binding|Policy)$|Iam(Binding|Policy)$/;

/** Grants on the project of a recording in `up` mode that are not on the list; one sentence each. */
export function unjustifiedGrants(registrations: readonly Registration[]): string[] {
  const problems: string[] = [];
  for (const { type, name, inputs } of registrations) {
    if (replacing.test(type))
      problems.push(`${name}: ${type} takes grants away that others have made; use the member type`);
    if (type !== 'gcp:projects/iAMMember:IAMMember') continue;
    const { role, member, condition } = inputs as { role: string; member: string; condition?: object };
    const entry = projectGrants.find((each) => matches(each.role, role) && each.to.test(member));
    if (entry === undefined)
      problems.push(
        `${name}: ${role} for ${member} on the project is not on the list in infra/identity/project-grants.ts; grant it on the resource, or add it there with the reason`,
      );
    else if (entry.narrowed && condition === undefined)
      problems.push(`${name}: ${role} for ${member} on the project needs a condition that narrows it`);
  }
  return problems;
}

/** Lines of the list that no grant uses: they would justify what is not there. */
export function unusedJustifications(registrations: readonly Registration[]): string[] {
  const grants = registrations.filter(({ type }) => type === 'gcp:projects/iAMMember:IAMMember');
  return projectGrants
    .filter(
      ({ role, to }) =>
        !grants.some(({ inputs }) => matches(role, String(inputs['role'])) && to.test(String(inputs['member']))),
    )
    .map(({ role, to }) => `${role} to ${to}`);
}

const matches = (wanted: string | RegExp, role: string): boolean =>
  typeof wanted === 'string' ? wanted === role : wanted.test(role);
