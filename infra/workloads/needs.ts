import type * as kubernetes from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import type { SecretName, WorkloadName } from '../access.ts';
import type { ImageName } from '../images/names.ts';

/** What the workloads take of the other components: their public fields, and themselves as something to wait for. */
export type ClusterNeed = pulumi.Resource & {
  cluster: pulumi.CustomResource;
  kubernetes: kubernetes.Provider;
};

export type WorkloadNeeds = {
  cluster: ClusterNeed;
  images: { references: Readonly<Record<ImageName, pulumi.Input<string>>>; ready: readonly pulumi.Resource[] };
  /** The bindings of Kubernetes accounts to Google ones, and with them the accounts and their grants. */
  identities: pulumi.Resource;
  messaging: pulumi.Resource;
  database: pulumi.Resource & {
    coreUrl(workload: WorkloadName): pulumi.Output<string>;
    shardUrls(workload: WorkloadName): pulumi.Output<string>;
    /** `IOT_DATABASE_ROLES` of the migrator. */
    roles: string;
  };
  cache: pulumi.Resource & { url: pulumi.Output<string>; caPem: pulumi.Output<string> };
  documents: pulumi.Resource & { database: pulumi.Output<string> };
  authority: pulumi.Resource & {
    rootPool: pulumi.Output<string>;
    serverPool: pulumi.Output<string>;
    /** Certificate template with which alone the issuing CA's certificate may be asked for. */
    issuingTemplate: string;
    devicePool: pulumi.Output<string> | null;
  };
  keys: pulumi.Resource & { issuingKey: pulumi.Output<string> };
  secrets: pulumi.Resource & { names: Readonly<Record<SecretName, string>> };
  edge: pulumi.Resource;
};

/** Children of a component that live in the cluster find its provider beside those of the stack. */
export const inCluster = (
  options: pulumi.ComponentResourceOptions,
  { kubernetes: provider }: ClusterNeed,
): pulumi.ComponentResourceOptions => {
  const given = options.providers ?? [];
  return { ...options, providers: [...(Array.isArray(given) ? given : Object.values(given)), provider] };
};
