import type { Tier } from '../tiers.ts';
import { addressPlan } from './addresses.ts';
import { busOf } from './bus.ts';
import { cacheOf } from './cache.ts';
import { certificatesOf } from './certificates.ts';
import { costOf } from './cost.ts';
import { databasesOf } from './databases.ts';
import { loadOf } from './load.ts';
import { nodesOf } from './nodes.ts';
import { podsOf } from './pods.ts';
import type { Plan } from './types.ts';

export type PlanInput = {
  tier: Tier;
  devices: number;
  messagesPerDevicePerMinute: number;
  clusterMode: 'autopilot' | 'standard';
  deviceCertificates: 'kms' | 'cas';
  /** Number of shards that was asked for; null: as many as the fleet needs. */
  shards: number | null;
  /** With a domain there are load balancers, a zone and certificates to pay. */
  publicEdge: boolean;
  /** Pushed images are scanned for known vulnerabilities. */
  scanImages: boolean;
};

/**
 * Sizes, addresses and cost of an environment. Pure.
 * @returns the plan, and one sentence for each thing that no plan can carry; with a problem the plan is not to be built.
 */
export function planOf(input: PlanInput): { plan: Plan; problems: readonly string[] } {
  const { tier, clusterMode, deviceCertificates, publicEdge, scanImages } = input;
  const load = loadOf(input.devices, input.messagesPerDevicePerMinute, tier);
  const addresses = addressPlan();
  const pods = podsOf(load.value, tier);
  const nodes = nodesOf(load.value, pods.value.pods, addresses);
  const databases = databasesOf(load.value, tier, pods.value.pods, input.shards);
  const cache = cacheOf(load.value, tier);
  const bus = busOf(load.value, pods.value.pods.gateway.replicas);
  const certificates = certificatesOf(load.value, tier);
  const parts = [load, pods, nodes, databases, cache, bus, certificates];
  const { monthly: _, ...certificatePlan } = certificates.value;
  return {
    problems: parts.flatMap(({ problems }) => problems ?? []),
    plan: {
      fleet: {
        devices: input.devices,
        messagesPerDevicePerMinute: input.messagesPerDevicePerMinute,
        messagesPerSecond: load.value.mean,
      },
      addresses,
      pods: pods.value.pods,
      devicesPerGateway: pods.value.devicesPerGateway,
      connectionsPerGateway: pods.value.connectionsPerGateway,
      cluster: nodes.value,
      database: databases.value.database,
      cache: cache.value,
      certificates: certificatePlan,
      cost: costOf({
        tier,
        load: load.value,
        pods: pods.value.pods,
        cluster: nodes.value,
        clusterMode,
        database: databases.value.database,
        fullGigabytes: databases.value.fullGigabytes,
        cache: cache.value,
        bus: bus.value,
        certificates: certificates.value,
        deviceCertificates,
        publicEdge,
        scanImages,
      }),
      steps: parts.flatMap(({ steps }) => steps),
    },
  };
}
