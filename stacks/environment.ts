import * as pulumi from '@pulumi/pulumi';
import * as random from '@pulumi/random';
import { Authority } from '../infra/authority/authority.ts';
import { Cluster } from '../infra/cluster/cluster.ts';
import { nodeAccountEmail } from '../infra/cluster/names.ts';
import { Cache } from '../infra/data/cache.ts';
import { Database } from '../infra/data/database.ts';
import { Documents } from '../infra/data/documents.ts';
import { Edge } from '../infra/edge/edge.ts';
import { publicUrlOf } from '../infra/edge/names.ts';
import { Routes } from '../infra/edge/routes.ts';
import { Deployer } from '../infra/identity/deployer.ts';
import { Identities } from '../infra/identity/identities.ts';
import { KubernetesIdentities } from '../infra/identity/kubernetes.ts';
import { digestsOfThisClone } from '../infra/images/digests.ts';
import { Images } from '../infra/images/images.ts';
import { planImages } from '../infra/images/plan.ts';
import { Keys } from '../infra/keys/keys.ts';
import { Messaging } from '../infra/messaging/messaging.ts';
import { Network } from '../infra/network/network.ts';
import { Observability } from '../infra/observability/observability.ts';
import { Project } from '../infra/project/project.ts';
import { providerList, providersOf } from '../infra/providers.ts';
import { Secrets } from '../infra/secrets/secrets.ts';
import { environmentOf } from '../infra/settings/environment.ts';
import type { EnvironmentSettings } from '../infra/settings/schema.ts';
import { Workloads } from '../infra/workloads/workloads.ts';
import { historyOf } from './history.ts';
import type { Log } from './index.ts';

/**
 * A whole environment: from an empty project to a platform that takes devices. Each component waits for those it is given;
 * a destroy goes the other way round, the cluster's load balancers first and the network last.
 */
export async function environment(stack: string, settings: EnvironmentSettings, log: Log) {
  const { environment, loosened } = environmentOf(stack, settings, await historyOf(stack));
  const plan = await planImages(environment, digestsOfThisClone);
  for (const { path, safe, given } of loosened)
    log.warn(`hardening ${path} is ${given}, and the default is ${safe}: infra/hardening.ts says what that opens`);
  for (const warning of plan.warnings) log.warn(warning);

  const providers = providersOf(environment);
  const options = { providers: providerList(providers) };
  const generation = new random.RandomId('generation', { byteLength: 2 }, { provider: providers.random }).hex;

  const project = new Project('project', { environment }, options);
  const ready = { ...options, dependsOn: project.ready };
  const network = new Network('network', { environment }, ready);
  const identities = new Identities('identities', { environment }, ready);
  const keys = new Keys('keys', { environment, generation, identities, clusterAgent: project.agents.container }, ready);
  const secrets = new Secrets('secrets', { environment, identities }, ready);
  const after = [...project.ready, identities];

  const messaging = new Messaging('messaging', { environment, pubsubAgent: project.agents.pubsub, after }, ready);
  const database = new Database('database', { environment, network, generation, after }, ready);
  const cache = new Cache('cache', { environment, network, after }, ready);
  const documents = new Documents('documents', { environment, generation, after }, ready);
  const authority = new Authority('authority', { environment, generation, identities }, ready);

  const nodeServiceAccount = nodeAccountEmail(environment);
  const cluster = new Cluster(
    'cluster',
    { environment, network, secretsKey: keys.clusterSecrets, after: [...project.ready, keys] },
    ready,
  );
  const images = new Images('images', { environment, plan, nodeServiceAccount, nodes: [cluster] }, ready);
  const edge = new Edge('edge', { environment, after: project.ready }, ready);
  const bindings = new KubernetesIdentities(
    'workload-identities',
    { environment, identities, cluster: cluster.cluster },
    ready,
  );
  const workloads = new Workloads(
    'workloads',
    {
      environment,
      cluster,
      images,
      identities: bindings,
      messaging,
      database,
      cache,
      documents,
      authority,
      keys,
      secrets,
      edge,
    },
    options,
  );
  const routes =
    environment.domain === null
      ? []
      : [
          new Routes(
            'routes',
            { environment, cluster, edge, namespace: workloads.namespace, after: [workloads] },
            options,
          ),
        ];
  const { projectNumber } = project;
  const observability = new Observability(
    'observability',
    { environment, generation, projectNumber, after: [workloads, ...routes] },
    ready,
  );
  const deployer =
    environment.ci === null
      ? null
      : new Deployer(
          'deployer',
          {
            environment,
            ci: environment.ci,
            generation,
            nodeServiceAccount: { email: nodeServiceAccount, ready: cluster },
            archiveAccount: messaging.archive?.account ?? null,
          },
          ready,
        );

  // A destroy begins with what nothing depends on, and keeps what its failures depend on. Without this one, a destroy of a
  // guarded tier whose preview is skipped takes services, routes and grants away before it meets the first store.
  new random.RandomId(
    'guard',
    { byteLength: 2 },
    {
      provider: providers.random,
      protect: environment.tier.lifecycle.protect,
      dependsOn: [
        ...[project, network, identities, keys, secrets, messaging, database, cache, documents, authority, cluster],
        ...[images, edge, bindings, workloads, ...routes, observability, ...(deployer === null ? [] : [deployer])],
      ],
    },
  );

  return {
    /** What the next `up` is compared with (stacks/history.ts). */
    deployed: {
      tier: environment.tier.name,
      shards: environment.plan.database.shards,
      region: environment.region,
      project: environment.project,
    },
    urls: {
      api: publicUrlOf(environment),
      est: edge.estHost === null ? null : `https://${edge.estHost}/.well-known/est`,
      mqtt: pulumi.interpolate`mqtts://${edge.mqttHost ?? edge.mqttAddress}:8883`,
    },
    mqttAddress: edge.mqttAddress,
    apiAddress: edge.apiAddress,
    nameServers: edge.nameServers,
    namespace: workloads.namespace,
    cluster: { name: cluster.name, endpoint: cluster.endpoint },
    images: images.references,
    /** For previews inside this environment (stacks/host.ts); null in tiers that have none. */
    lends: environment.tier.previews
      ? {
          databases: {
            core: database.core.instance.connectionName,
            shards: database.shards.map((shard) => shard.instance.connectionName),
          },
          pubsubAgent: project.agents.pubsub,
          jobsImage: images.references.jobs,
        }
      : null,
    firstAdministrator: secrets.names['first-administrator'],
    deployer: deployer === null ? null : { provider: deployer.provider, email: deployer.email },
  };
}
