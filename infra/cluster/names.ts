import type { Environment } from '../environment.ts';
import { nameOf } from '../plan/names.ts';

type Of = Pick<Environment, 'name' | 'project' | 'region'>;

export const clusterName = ({ name }: Pick<Of, 'name'>): string => nameOf('cluster', name);

/** Full name as Google's APIs and IAM conditions have it. */
export const clusterPath = (environment: Of): string =>
  `projects/${environment.project}/locations/${environment.region}/clusters/${clusterName(environment)}`;

/**
 * `iss` of the tokens of the cluster's accounts; their public keys are below it, at `/jwks`, for everybody.
 * https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters/getJwks
 */
export const clusterIssuer = (environment: Of): string =>
  `https://container.googleapis.com/v1/${clusterPath(environment)}`;

/**
 * What tells the Kubernetes provider that a cluster is the same one. A literal: the provider is never replaced while it
 * stays, and with it nothing in the cluster, even when the address of the control plane is unknown in a preview.
 */
export const clusterIdentifier = ({ project, region, name }: Of): string =>
  `${project}/${region}/${clusterName({ name })}`;

export const nodeAccountId = ({ name }: Pick<Of, 'name'>): string => nameOf('serviceAccount', name, 'nodes');

/** Service account of all nodes; workloads have their own. */
export const nodeAccountEmail = ({ name, project }: Pick<Of, 'name' | 'project'>): string =>
  `${nodeAccountId({ name })}@${project}.iam.gserviceaccount.com`;
