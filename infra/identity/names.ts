import type { WorkloadName } from '../access.ts';
import { nameOf } from '../plan/names.ts';

/**
 * Names of workload identities. All are literals, known at preview: policies can judge them, and a grant needs no output.
 */
type Of = { name: string; project: string };

/**
 * The platform's namespace carries the environment's name: Workload Identity takes a namespace and account of that name in
 * any cluster of the project for the same identity.
 * https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity#identity_sameness
 */
export const namespaceOf = (environment: Pick<Of, 'name'>): string => nameOf('kubernetes', 'iot', environment.name);

/**
 * A preview's namespace begins as no environment's does: preview `eu` of environment `dev` is named `dev-eu`, and in
 * `iot-dev-eu` its pods would be taken for those of an environment `dev-eu` in the same project, whatever cluster they are in.
 */
export const laneNamespaceOf = (lane: Pick<Of, 'name'>): string => nameOf('kubernetes', 'lane', lane.name);

/** Account id of a workload's Google service account. */
export const accountIdOf = (environment: Pick<Of, 'name'>, workload: WorkloadName): string =>
  nameOf('serviceAccount', environment.name, workload);

export const emailOf = (environment: Of, workload: WorkloadName): string =>
  `${accountIdOf(environment, workload)}@${environment.project}.iam.gserviceaccount.com`;

/** IAM member of a workload's Google service account. */
export const memberOf = (environment: Of, workload: WorkloadName): string =>
  `serviceAccount:${emailOf(environment, workload)}`;

/** IAM member of the Kubernetes service account that may act as it: same name as the workload, in the platform's namespace. */
export const kubernetesMemberOf = (environment: Of, workload: WorkloadName): string =>
  `serviceAccount:${environment.project}.svc.id.goog[${namespaceOf(environment)}/${workload}]`;
