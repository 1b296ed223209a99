import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { access, workloadNames } from '../access.ts';
import { Component, type ComponentArgs } from '../component.ts';
import { memberOf } from '../identity/names.ts';
import { nameOf } from '../plan/names.ts';
import type { PrivateServices } from './instance.ts';

export type CacheArgs = ComponentArgs & {
  network: PrivateServices;
  /** What must stand first: enabled APIs and the workloads' service accounts. */
  after: readonly pulumi.Resource[];
};

type Connection = { connectionType: string; ipAddress: string; port: number };
type Authorities = readonly { caCerts: readonly { certificates: readonly string[] }[] }[];
type Endpoints = readonly { connections?: readonly { pscAutoConnection?: Connection }[] }[];

/**
 * Valkey: newest states, presence, limits. It holds nothing that Postgres and the gateways cannot rebuild, so it has
 * replicas where the tier wants them and neither snapshots nor backups.
 */
export class Cache extends Component {
  readonly instance: gcp.memorystore.Instance;
  /** `rediss://10.2.0.5:6379?auth=iam` */
  readonly url: pulumi.Output<string>;
  /** CAs that sign the server's certificate, PEM; more than one while Google rotates. */
  readonly caPem: pulumi.Output<string>;
  readonly #args: CacheArgs;

  constructor(name: string, args: CacheArgs, options: pulumi.ComponentResourceOptions) {
    super('data:Cache', name, args, options);
    this.#args = args;
    this.instance = this.#instance();
    this.#grants();
    const rendered = args.environment.renderKubernetesTo !== null;
    this.url = this.instance.endpoints.apply((endpoints) => cacheUrl(endpoints, rendered));
    this.caPem = this.instance.managedServerCas.apply((authorities) => cacheCaPem(authorities, rendered));
    this.finish({ instance: this.instance.name });
  }

  #instance(): gcp.memorystore.Instance {
    const { name, project, region, tier, plan } = this.environment;
    return this.make(
      gcp.memorystore.Instance,
      'instance',
      {
        instanceId: nameOf('memorystore', name, 'cache'),
        location: region,
        engineVersion: 'VALKEY_8_0',
        // Not a cluster: our scripts touch keys of several slots, and a channel is one for the whole fleet.
        mode: 'CLUSTER_DISABLED',
        shardCount: 1,
        replicaCount: tier.cache.replicas,
        nodeType: plan.cache.nodeType,
        zoneDistributionConfig: { mode: 'MULTI_ZONE' },
        // As on one machine: a full cache refuses writes and says so; an evicted presence would be a lie.
        engineConfigs: { 'maxmemory-policy': 'noeviction' },
        persistenceConfig: { mode: 'DISABLED' },
        // No password: a login is an access token that ends after an hour.
        // https://cloud.google.com/memorystore/docs/valkey/about-iam-auth
        authorizationMode: 'IAM_AUTH',
        // https://cloud.google.com/memorystore/docs/valkey/about-in-transit-encryption
        transitEncryptionMode: 'SERVER_AUTHENTICATION',
        desiredAutoCreatedEndpoints: [{ network: this.#args.network.vpcId, projectId: project }],
        maintenancePolicy: {
          weeklyMaintenanceWindows: [{ day: 'TUESDAY', startTime: { hours: 3, minutes: 0, seconds: 0, nanos: 0 } }],
        },
        deletionProtectionEnabled: tier.lifecycle.apiProtection,
        deletionPolicy: tier.lifecycle.deletionPolicy,
        labels: { ...this.environment.labels },
      },
      {
        guarded: true,
        dependsOn: [...this.#args.network.servicePolicies, ...this.#args.after],
      },
    );
  }

  /**
   * The role exists on the project only; the condition narrows it to this instance:
   * https://cloud.google.com/memorystore/docs/valkey/about-iam-auth
   */
  #grants(): void {
    const { name, project, region } = this.environment;
    const instance = `projects/${project}/locations/${region}/instances/${nameOf('memorystore', name, 'cache')}`;
    for (const workload of workloadNames)
      if (access[workload].cache)
        this.make(
          gcp.projects.IAMMember,
          `${workload}-connects`,
          {
            project,
            role: 'roles/memorystore.dbConnectionUser',
            member: memberOf(this.environment, workload),
            condition: {
              title: `${name}-cache`,
              description: `Valkey instance of environment ${name}`,
              expression: `resource.name == "${instance}"`,
            },
          },
          { dependsOn: [...this.#args.after] },
        );
  }
}

/**
 * Pure: the URL of the primary, from what the API answered.
 * @param rendered Objects are written to files, and nobody connects: a cloud that makes no endpoints will do.
 * @throws Error when Google has made no endpoint for writing: the service connection policy is missing.
 */
export function cacheUrl(endpoints: Endpoints | undefined, rendered = false): string {
  const connections = (endpoints ?? []).flatMap(({ connections = [] }) =>
    connections.flatMap(({ pscAutoConnection }) => (pscAutoConnection === undefined ? [] : [pscAutoConnection])),
  );
  const primary = connections.find((each) => each.connectionType === 'CONNECTION_TYPE_PRIMARY');
  if (primary !== undefined) return `rediss://${primary.ipAddress}:${primary.port}?auth=iam`;
  if (rendered) return 'rediss://cache.invalid:6379?auth=iam';
  throw new Error(
    `the Valkey instance has no endpoint of type CONNECTION_TYPE_PRIMARY (it has ${connections.map((each) => each.connectionType).join(', ') || 'none'}): check the gcp-memorystore service connection policy of its network and region`,
  );
}

/**
 * Pure: the CAs of the server's certificate, one PEM after the other.
 * @param rendered as for `cacheUrl`
 * @throws Error when there is none: no client could tell the cache from a stranger.
 */
export function cacheCaPem(authorities: Authorities | undefined, rendered = false): string {
  const certificates = (authorities ?? []).flatMap(({ caCerts }) => caCerts.flatMap((chain) => chain.certificates));
  if (certificates.length === 0 && !rendered)
    throw new Error(
      'the Valkey instance has no certificate authority: its transitEncryptionMode has to be SERVER_AUTHENTICATION. Run `pulumi refresh` when it is',
    );
  return certificates.map((pem) => `${pem.trim()}\n`).join('');
}
