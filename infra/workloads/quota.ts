import type { Plan, PodPlan } from '../plan/types.ts';

const millicores = (quantity: string): number =>
  quantity.endsWith('m') ? Number(quantity.slice(0, -1)) : Number(quantity) * 1_000;
const mebibytes = (quantity: string): number => {
  const [, number = '', unit = ''] = /^([0-9.]+)(Mi|Gi)$/.exec(quantity) ?? [];
  if (unit === '') throw new Error(`memory '${quantity}': allowed is a quantity in Mi or Gi, as 512Mi`);
  return Number(number) * (unit === 'Gi' ? 1_024 : 1);
};

/** Room for rollouts, jobs, sidecars and what Autopilot rounds up. */
const slack = 1.5;

/**
 * The most that the namespace may take: every part at its largest, and half as much again. A mistake, or somebody's pod,
 * stops here instead of at the bill.
 */
export function quotaOf(plan: Plan, addresses: number): Record<string, string> {
  const parts: readonly PodPlan[] = Object.values(plan.pods);
  const sum = (of: (part: PodPlan) => number) => Math.ceil(slack * parts.reduce((all, part) => all + of(part), 0));
  const cpu = sum(({ cpu, maximum }) => (millicores(cpu) * (maximum + 1)) / 1_000) + 4;
  const memory = sum(({ memory, maximum }) => mebibytes(memory) * (maximum + 1)) + 8_192;
  return {
    pods: String(sum(({ maximum }) => maximum + 1) + 10),
    'requests.cpu': String(cpu),
    'limits.cpu': String(cpu),
    'requests.memory': `${memory}Mi`,
    'limits.memory': `${memory}Mi`,
    // For devices: MQTT, and EST with a domain. People come through the gateway of the cluster, no Service of this type.
    'services.loadbalancers': String(addresses),
    'services.nodeports': String(addresses),
    // Nothing here keeps anything on a disk: it would bind a pod to a zone.
    persistentvolumeclaims: '0',
  };
}
