import * as kubernetes from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { kubeconfigOf } from '../infra/cluster/kubeconfig.ts';
import { clusterIdentifier } from '../infra/cluster/names.ts';
import { Identities } from '../infra/identity/identities.ts';
import { Messaging } from '../infra/messaging/messaging.ts';
import { laneOf } from '../infra/preview/lane.ts';
import { LaneDatabases } from '../infra/preview/lane-databases.ts';
import { LaneNamespace } from '../infra/preview/lane-namespace.ts';
import { providerList, providersOf } from '../infra/providers.ts';
import type { PreviewSettings } from '../infra/settings/schema.ts';
import { hostOf } from './host.ts';

/**
 * A preview: a lane inside an environment, which lends network, cluster, instances and load balancer. Its own are a
 * namespace, accounts, topics and databases; its lease is renewed by each `up`, and it ends by itself.
 */
export async function preview(stack: string, settings: PreviewSettings, now = Date.now()) {
  const host = await hostOf(stack, settings);
  const lane = laneOf(stack, settings, host, now);
  const { environment } = lane;
  const cluster = new kubernetes.Provider('kubernetes', {
    kubeconfig: kubeconfigOf({ name: host.cluster.name, server: host.cluster.endpoint }),
    clusterIdentifier: clusterIdentifier({ ...host, name: host.name }),
    enableServerSideApply: true,
    ...(environment.renderKubernetesTo === null ? {} : { renderYamlToDirectory: environment.renderKubernetesTo }),
  });
  const options = { providers: [...providerList(providersOf(environment)), cluster] };

  const namespace = new LaneNamespace('namespace', { environment, lane }, options);
  const identities = new Identities('identities', { environment }, options);
  const messaging = new Messaging(
    'messaging',
    { environment, pubsubAgent: host.pubsubAgent, after: [identities] },
    options,
  );
  new LaneDatabases('databases', { environment, lane, host }, options);

  return {
    lane: { name: environment.name, environment: host.name, until: lane.until },
    namespace: namespace.name,
    topics: pulumi.output(messaging.topics).apply((topics) => Object.keys(topics)),
    databases: lane.databases,
  };
}
