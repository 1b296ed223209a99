import type { Tier } from '../tiers.ts';
import { figures } from './figures.ts';
import { count, type Load, type Sized, step, upTo } from './load.ts';
import type { PodPlan, ServiceName, Step } from './types.ts';

const f = figures;

export type Pods = {
  pods: Record<ServiceName, PodPlan>;
  devicesPerGateway: number;
  connectionsPerGateway: number;
};

/** Pods of every part. A part that devices wait for is sized for one zone lost, where the tier demands spread. */
export function podsOf(load: Load, tier: Tier): Sized<Pods> {
  const gateway = gatewayPods(load, tier);
  const processor = processorPods(load, tier);
  const small = { cpu: '250m', memory: '512Mi' };
  const service = (devicesPerPod: number): PodPlan => {
    const replicas = spread(Math.ceil(load.devices / devicesPerPod), load, tier.workloads.service);
    return { replicas, maximum: replicas * 3, ...small };
  };
  const devices = service(f.devicesPerRegistryPod.value);
  const query = service(f.devicesPerQueryPod.value);
  return {
    value: {
      pods: { gateway: gateway.value.pod, processor: processor.value, devices, telemetry: query, api: query },
      devicesPerGateway: gateway.value.devicesPerPod,
      connectionsPerGateway: Math.round(gateway.value.devicesPerPod * f.gatewayConnections.value),
    },
    steps: [
      ...gateway.steps,
      ...processor.steps,
      step(
        'devices pods',
        `${count(load.devices)} devices / ${count(f.devicesPerRegistryPod.value)} a pod, at least ${tier.workloads.service}`,
        count(devices.replicas),
      ),
      step(
        'telemetry, api pods',
        `${count(load.devices)} devices / ${count(f.devicesPerQueryPod.value)} a pod, at least ${tier.workloads.service}`,
        `${count(query.replicas)} each`,
      ),
    ],
  };
}

function gatewayPods(load: Load, tier: Tier): Sized<{ pod: PodPlan; devicesPerPod: number }> {
  // Small pods only where the tier's fewest carry all of it: a fleet that grows never gets fewer pods.
  const few =
    !tier.workloads.strictSpread &&
    load.devices <= f.gatewayDevicesPerSmallPod.value * tier.workloads.gateway &&
    load.peak <= f.gatewayMessagesPerCore.value * f.utilisation.value * 0.5 * tier.workloads.gateway;
  const devicesPerPod = (few ? f.gatewayDevicesPerSmallPod : f.gatewayDevicesPerPod).value;
  const cores = few ? 0.5 : 1;
  const messagesPerPod = f.gatewayMessagesPerCore.value * f.utilisation.value * cores;
  const reconnectsPerPod = f.gatewayHandshakes.value * f.reconnectSeconds.value * cores;
  const needs: [string, number][] = [
    [`${count(load.devices)} devices / ${count(devicesPerPod)} a pod`, load.devices / devicesPerPod],
    [
      `${count(load.peak)} messages/s / (${count(f.gatewayMessagesPerCore.value)} a core × ${f.utilisation.value}${cores === 1 ? '' : ` × ${cores}`})`,
      load.peak / messagesPerPod,
    ],
    [
      `${count(load.devices)} reconnects / (${f.gatewayHandshakes.value}/s × ${f.reconnectSeconds.value} s${cores === 1 ? '' : ` × ${cores}`})`,
      load.devices / reconnectsPerPod,
    ],
  ];
  const left = Math.max(...needs.map(([, pods]) => Math.ceil(pods)));
  const replicas = spread(left, load, tier.workloads.gateway);
  const kilobytes = f.gatewayKilobytesPerDevice.value * devicesPerPod;
  const megabytes = f.gatewayBaseMegabytes.value + f.gatewayHeldMegabytes.value + (kilobytes * 1_000) / 1_048_576;
  const memory = upTo(megabytes * 1.3, 256);
  return {
    value: {
      pod: { replicas, maximum: replicas * 2, cpu: cores === 1 ? '1' : '500m', memory: `${memory}Mi` },
      devicesPerPod,
    },
    steps: [
      ...needs.map(([formula, pods]): Step => step('gateway pods', formula, count(pods))),
      step('gateway pods', spreadFormula(left, load, tier.workloads.gateway), count(replicas)),
      step(
        'gateway memory',
        `(${f.gatewayBaseMegabytes.value} + ${f.gatewayHeldMegabytes.value} MiB + ${count(devicesPerPod)} × ${f.gatewayKilobytesPerDevice.value} kB) × 1.3`,
        `${count(memory)} MiB`,
      ),
    ],
  };
}

function processorPods(load: Load, tier: Tier): Sized<PodPlan> {
  const perPod = f.processorMessagesPerCore.value * f.utilisation.value;
  const left = Math.ceil((load.peak * f.processorDrain.value) / perPod);
  const replicas = spread(left, load, tier.workloads.processor);
  return {
    value: { replicas, maximum: replicas * 3, cpu: '1', memory: '1024Mi' },
    steps: [
      step(
        'processor pods',
        `${count(load.peak)} messages/s × ${f.processorDrain.value} / (${count(f.processorMessagesPerCore.value)} a core × ${f.utilisation.value})`,
        count((load.peak * f.processorDrain.value) / perPod),
      ),
      step('processor pods', spreadFormula(left, load, tier.workloads.processor), count(replicas)),
    ],
  };
}

/** So many pods that `needed` are left when a zone is lost, as many in each zone; where no zone may be lost, just those. */
function spread(needed: number, load: Load, least: number): number {
  if (load.zonesLeft === load.zones) return Math.max(least, needed);
  return Math.max(least, Math.ceil(needed / load.zonesLeft) * load.zones);
}

const spreadFormula = (needed: number, load: Load, least: number): string =>
  load.zonesLeft === load.zones
    ? `${count(needed)}, at least ${least}`
    : `⌈${count(needed)} / ${load.zonesLeft} zones left⌉ × ${load.zones} zones, at least ${least}`;
