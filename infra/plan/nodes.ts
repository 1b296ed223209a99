import { capacityOf } from './addresses.ts';
import { figures } from './figures.ts';
import { count, type Load, type Sized, step } from './load.ts';
import type { AddressPlan, Plan, PodPlan, ServiceName } from './types.ts';

const f = figures;

/** vCPUs of a Kubernetes quantity: `500m`, `2`. */
export const cpusOf = (quantity: string): number =>
  quantity.endsWith('m') ? Number(quantity.slice(0, -1)) / 1_000 : Number(quantity);
/** GiB of `512Mi`, `2Gi`. */
export const gibibytesOf = (quantity: string): number =>
  quantity.endsWith('Mi') ? Number(quantity.slice(0, -2)) / 1_024 : Number(quantity.slice(0, -2));

export type Demand = { cpus: number; memory: number; pods: number };

/** What all parts ask for, at rest or at most. */
export function demandOf(pods: Readonly<Record<ServiceName, PodPlan>>, at: 'replicas' | 'maximum'): Demand {
  const all = Object.values(pods);
  const sum = (each: (pod: PodPlan) => number) => all.reduce((total, pod) => total + pod[at] * each(pod), 0);
  return { cpus: sum((pod) => cpusOf(pod.cpu)), memory: sum((pod) => gibibytesOf(pod.memory)), pods: sum(() => 1) };
}

/** Nodes of each zone for a Standard cluster; both kinds of cluster must find an address for each pod. */
export function nodesOf(
  load: Load,
  pods: Readonly<Record<ServiceName, PodPlan>>,
  addresses: AddressPlan,
): Sized<Plan['cluster']> {
  const rest = demandOf(pods, 'replicas');
  const most = demandOf(pods, 'maximum');
  const nodes = ({ cpus, memory }: Demand) => Math.max(cpus / f.nodeCpu.value, memory / f.nodeMemory.value);
  const minimum = Math.max(1, Math.ceil(nodes(rest) / load.zones));
  // One more for pods that are replaced before the old ones end.
  const maximum = Math.ceil(nodes(most) / load.zones) + 1;
  const capacity = capacityOf(addresses);
  const problems =
    most.pods > capacity.pods || maximum * load.zones > capacity.nodes
      ? [
          `the fleet needs up to ${count(most.pods)} pods: the address plan has room for ${count(capacity.pods)} on ${count(capacity.nodes)} nodes. Set devices or messagesPerDevicePerMinute lower, or split the fleet over two environments`,
        ]
      : [];
  return {
    value: {
      machineType: 'e2-standard-4',
      minimumNodesPerZone: minimum,
      maximumNodesPerZone: maximum,
      zones: load.zones,
      nodeDisk: 50,
    },
    problems,
    steps: [
      step(
        'pods at rest',
        `${count(rest.cpus)} vCPU, ${count(rest.memory)} GiB; at most ${count(most.cpus)} vCPU, ${count(most.memory)} GiB`,
        `${count(rest.pods)} to ${count(most.pods)}`,
      ),
      step(
        'nodes a zone (Standard)',
        `max(${count(rest.cpus)} / ${f.nodeCpu.value} vCPU, ${count(rest.memory)} / ${f.nodeMemory.value} GiB) / ${load.zones} zones`,
        `${minimum} to ${maximum}`,
      ),
    ],
  };
}
