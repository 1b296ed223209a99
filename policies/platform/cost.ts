import { type Answer, no, unknown, yes } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import { quantity } from '../framework/quantity.ts';
import type { Reading } from '../framework/reader.ts';
import { refersTo, same } from '../framework/relations.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { processorsOf } from './previews.ts';
import { free, hoursAMonth, prices } from './prices.ts';
import { kindOf, podOf, sameNamespace } from './relations.ts';

/** A resource with its price a month, or the place that has to be known for it. */
type Line =
  | { readonly resource: Resource; readonly monthly: number }
  | { readonly resource: Resource; readonly open: string };

const ceiling = stackPolicy({
  id: 'stack-cost-ceiling',
  description:
    'What the stack costs a month by being there, at list prices, stays below the ceiling of its tier; what is billed by use alone is not in it.',
  severity: 'medium',
  level: 'mandatory',
  tiers: ['preview', 'ephemeral'],
  remediation: 'Make smaller what leads the list, or raise the ceiling of the tier with whoever pays.',
  url: 'https://cloud.google.com/products/calculator',
  references: {},
  settings: {
    preview: { default: 200, description: 'USD a month in tier preview.' },
    ephemeral: { default: 600, description: 'USD a month in tier ephemeral.' },
    dev: { default: 1_000, description: 'USD a month in tier dev.' },
    staging: { default: 4_000, description: 'USD a month in tier staging.' },
    prod: { default: 20_000, description: 'USD a month in tier prod, and in tiers of other names.' },
  },
  judge: (stack, ceilings): readonly Finding[] => {
    const lines = stack.ofType(/^(gcp|kubernetes):/).flatMap((resource) => lineOf(stack, resource) ?? []);
    const known = lines.flatMap((line) => ('monthly' in line ? [line] : [])).sort((a, b) => b.monthly - a.monthly);
    const total = known.reduce((sum, { monthly }) => sum + monthly, 0);
    const limit = { ...ceilings }[stack.tier as keyof typeof ceilings] ?? ceilings.prod;
    return [{ urn: null, answer: total > limit ? no(summary(total, known)) : openOf(lines) }];
  },
});

/** What has no price may cost anything: below the ceiling nobody can tell. */
function openOf(lines: readonly Line[]): Answer {
  const open = lines.flatMap((line) => ('open' in line ? [`${line.resource.name}.${line.open}`] : []));
  return open.length === 0 ? yes : unknown(...open);
}

const summary = (total: number, known: readonly { resource: Resource; monthly: number }[]): string =>
  `${Math.round(total)} USD a month (${known
    .slice(0, 5)
    .map(({ resource, monthly }) => `${resource.name} ${Math.round(monthly)}`)
    .join(', ')})`;

/** @returns null for what is free, or billed by use alone. */
function lineOf(stack: Stack, resource: Resource): Line | null {
  const priced = billed[resource.type];
  if (priced !== undefined) {
    const monthly = priced(resource, stack);
    return typeof monthly === 'number' ? { resource, monthly } : { resource, open: monthly.path };
  }
  if (resource.type.startsWith('kubernetes:') || free.some((type) => type.test(resource.type))) return null;
  return { resource, open: `${resource.type} has no price` };
}

type Price = (resource: Resource, stack: Stack) => number | { readonly path: string };

const hourly = (usd: number): number => usd * hoursAMonth;
/** A number of the program, or where it should be. */
const numberAt = (reading: Reading): number | { path: string } =>
  typeof reading.value === 'number' ? reading.value : { path: reading.path };
const times = (amount: number | { path: string }, usd: number): number | { path: string } =>
  typeof amount === 'number' ? amount * usd : amount;

const forwarding: Price = () => hourly(prices['lb.rules']);
const zone: Price = () => prices['dns.zone'];

const billed: Readonly<Record<string, Price>> = {
  'gcp:container/cluster:Cluster': () => hourly(prices['gke.cluster']),
  'gcp:container/nodePool:NodePool': (pool) => {
    const machine = pool.at('nodeConfig.machineType').orElse('e2-medium');
    const cores = /^e2-standard-(\d+)$/.exec(String(machine.value))?.[1];
    if (cores === undefined) return { path: machine.path };
    const most = ['autoscaling.totalMaxNodeCount', 'autoscaling.maxNodeCount', 'nodeCount', 'initialNodeCount'].find(
      (path) => pool.at(path).state !== 'absent',
    );
    return times(numberAt(pool.at(most ?? 'nodeCount')), hourly((prices['node.e2-standard-4'] / 4) * Number(cores)));
  },
  'gcp:sql/databaseInstance:DatabaseInstance': database,
  'gcp:memorystore/instance:Instance': (cache) => {
    const type = cache.at('nodeType');
    const node = prices[`valkey.${String(type.value)}` as keyof typeof prices];
    const [shards, replicas] = [cache.at('shardCount').orElse(1), cache.at('replicaCount').orElse(0)].map(numberAt);
    if (node === undefined) return { path: type.path };
    if (typeof shards !== 'number') return shards ?? { path: 'shardCount' };
    return times(typeof replicas === 'number' ? (1 + replicas) * shards : (replicas ?? 0), hourly(node));
  },
  'gcp:certificateauthority/authority:Authority': (authority, stack) => {
    const pool = stack
      .ofType('gcp:certificateauthority/caPool:CaPool')
      .find((each) => refersTo(authority, 'pool', each).is === 'yes');
    const tier = pool?.at('tier').value;
    if (tier === 'ENTERPRISE') return prices['cas.enterprise.ca'];
    return tier === 'DEVOPS' ? prices['cas.devops.ca'] : { path: 'pool' };
  },
  'gcp:kms/cryptoKey:CryptoKey': (key) =>
    key.at('versionTemplate.protectionLevel').value === 'HSM'
      ? prices['kms.hsm.version']
      : prices['kms.software.version'],
  'gcp:compute/forwardingRule:ForwardingRule': forwarding,
  'gcp:compute/globalForwardingRule:GlobalForwardingRule': forwarding,
  'gcp:compute/securityPolicy:SecurityPolicy': (policy) =>
    prices['armor.policy'] + policy.at('rules').items().length * prices['armor.rule'],
  'gcp:dns/managedZone:ManagedZone': zone,
  'kubernetes:gateway.networking.k8s.io/v1:Gateway': forwarding,
  'kubernetes:core/v1:Service': (service) =>
    service.at('spec.type').value === 'LoadBalancer' ? hourly(prices['lb.rules']) : 0,
  'kubernetes:apps/v1:Deployment': pods,
  'kubernetes:apps/v1:StatefulSet': pods,
};

/** Enterprise Plus machines have 8 GiB a processor. https://cloud.google.com/sql/docs/postgres/instance-settings */
function database(instance: Resource): number | { path: string } {
  const [tier, plus] = [instance.at('settings.tier'), instance.at('settings.edition').value === 'ENTERPRISE_PLUS'];
  const cores = tier.state === 'known' ? processorsOf(String(tier.value)) : null;
  const memory = /^db-custom-\d+-(\d+)$/.exec(String(tier.value))?.[1];
  if (cores === null || (memory === undefined && !plus)) return { path: tier.path };
  const gigabytes = memory === undefined ? cores * 8 : Number(memory) / 1_024;
  const [cpu, byte] = plus
    ? [prices['sql.plus.cpu'], prices['sql.plus.memory']]
    : [prices['sql.enterprise.cpu'], prices['sql.enterprise.memory']];
  const disk = numberAt(instance.at('settings.diskSize').orElse(10));
  if (typeof disk !== 'number') return disk;
  const copies = instance.at('settings.availabilityType').value === 'REGIONAL' ? 2 : 1;
  return copies * (hourly(cores * cpu + gigabytes * byte) + disk * prices['sql.storage']);
}

/** Autopilot bills what pods ask for; on nodes of one's own they are paid with the nodes. */
function pods(workload: Resource, stack: Stack): number | { path: string } {
  const clusters = stack.ofType('gcp:container/cluster:Cluster');
  if (clusters.length > 0 && clusters.every((cluster) => cluster.at('enableAutopilot').is(true).is === 'no')) return 0;
  const scaler = stack
    .ofType(kindOf('HorizontalPodAutoscaler'))
    .find(
      (each) =>
        same(each.at('spec.scaleTargetRef.name'), workload.at('metadata.name')).is === 'yes' &&
        sameNamespace(each, workload).is === 'yes',
    );
  const count = scaler === undefined ? workload.at('spec.replicas').orElse(1) : scaler.at('spec.minReplicas').orElse(1);
  const { spec } = podOf(workload);
  const containers = [...spec.at('containers').items(), ...spec.at('initContainers').items()].filter(
    // An init container that stays is a sidecar; others end.
    (each) => !each.path.includes('initContainers') || each.at('restartPolicy').value === 'Always',
  );
  let each = 0;
  for (const container of containers) {
    const [cpu, memory] = [container.at('resources.requests.cpu'), container.at('resources.requests.memory')];
    const [cores, bytes] = [quantity(cpu.value), quantity(memory.value)];
    if (cores === null || bytes === null) return { path: cores === null ? cpu.path : memory.path };
    each += hourly(cores * prices['autopilot.cpu'] + (bytes / 1_024 ** 3) * prices['autopilot.memory']);
  }
  return times(numberAt(count), each);
}

export const costPolicies: readonly Policy[] = [ceiling];
