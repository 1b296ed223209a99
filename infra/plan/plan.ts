import type { Tier } from '../tiers.ts';
import { addressPlan } from './addresses.ts';
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
};

/** Sizes, addresses and cost of an environment. Pure. @returns the plan, or one sentence for each thing no plan can carry. */
export function planOf(input: PlanInput): { plan?: Plan; problems: readonly string[] } {
  const { tier } = input;
  const small = { cpu: '250m', memory: '512Mi' };
  return {
    problems: [],
    plan: {
      fleet: {
        devices: input.devices,
        messagesPerDevicePerMinute: input.messagesPerDevicePerMinute,
        messagesPerSecond: (input.devices * input.messagesPerDevicePerMinute) / 60,
      },
      addresses: addressPlan(),
      pods: {
        gateway: { replicas: tier.workloads.gateway, maximum: tier.workloads.gateway * 2, cpu: '1', memory: '2Gi' },
        processor: {
          replicas: tier.workloads.processor,
          maximum: tier.workloads.processor * 4,
          cpu: '1',
          memory: '1Gi',
        },
        devices: { replicas: tier.workloads.service, maximum: tier.workloads.service * 3, ...small },
        telemetry: { replicas: tier.workloads.service, maximum: tier.workloads.service * 3, ...small },
        api: { replicas: tier.workloads.service, maximum: tier.workloads.service * 3, ...small },
      },
      devicesPerGateway: 13_750,
      cluster: { machineType: 'e2-standard-4', minimumNodesPerZone: 1, maximumNodesPerZone: 4, zones: 3, nodeDisk: 50 },
      database: {
        shards: input.shards ?? 1,
        coreTier: 'db-custom-2-7680',
        shardTier: 'db-custom-2-7680',
        coreDisk: 20,
        shardDisk: 100,
        maximumConnections: 200,
      },
      cache: { nodeType: 'SHARED_CORE_NANO', shards: 1 },
      certificates: { perDay: 0, authorities: 1, monthlyByCas: 0, monthlyByKms: 0 },
      cost: { lines: [], monthly: 0, unverifiedShare: 0, priced: '2026-11-22' },
      steps: [],
    },
  };
}
