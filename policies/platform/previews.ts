import { type Answer, all, answer, any, not } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { named } from '../framework/relations.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { fromText } from './labels.ts';
import { kindOf } from './relations.ts';

const tiers = ['preview', 'ephemeral'];
const hour = 3_600_000;

/** What lives for a branch: it ends by itself, somebody owns it, and it is small. */
export const previewPolicies: readonly Policy[] = [
  stackPolicy({
    id: 'stack-preview-ttl',
    description:
      'A preview says when it ends and who owns it, on its provider and on each namespace: what sweeps previews and who pays can tell.',
    severity: 'medium',
    level: 'mandatory',
    tiers: ['preview'],
    elsewhere: 'disabled',
    remediation:
      'Set a label of the setting endLabels to a duration (24h, 3d) or a time (20261124t120000z) within maximumHours, and the label owner, among defaultLabels of the gcp provider; the end also on each Namespace.',
    url: 'https://cloud.google.com/resource-manager/docs/best-practices-labels',
    references: {},
    settings: {
      endLabels: {
        default: ['lease-until', 'ttl', 'expires'],
        description:
          'Labels that may say when a preview ends; on objects of Kubernetes also after a prefix and a slash.',
      },
      ownerLabels: { default: ['owner'], description: 'Labels that have to be there besides, with any value.' },
      maximumHours: { default: 336, description: 'Longest time from now that a preview may have left.' },
    },
    judge: function* (stack, { endLabels, ownerLabels, maximumHours }): Iterable<Finding> {
      const until = (labels: Reading) => ends(labels, endLabels, stack.now, maximumHours);
      for (const provider of stack.ofType('pulumi:providers:gcp')) {
        const labels = fromText(provider.at('defaultLabels'));
        const owned = ownerLabels.map((label) => named(labels.key(label).isFilled(), labels.key(label).path));
        yield {
          urn: provider.urn,
          answer: labels.state === 'unknown' ? labels.exists() : all([until(labels), ...owned]),
        };
      }
      for (const namespace of stack.ofType(kindOf('Namespace')))
        yield { urn: namespace.urn, answer: until(namespace.at('metadata.labels')) };
    },
  }),
  stackPolicy({
    id: 'stack-preview-small',
    description:
      'What lives for a branch is small and easy to delete: one zone, no replicas, nothing that refuses its deletion or is billed by the month.',
    severity: 'medium',
    level: 'mandatory',
    tiers,
    elsewhere: 'disabled',
    remediation:
      'Set availabilityType ZONAL, replicaCount 0 (tier BASIC), tier DEVOPS on CA pools, spot and at most maximumNodes on node pools, and no deletion protection.',
    url: 'https://cloud.google.com/architecture/framework/cost-optimization',
    references: {},
    settings: {
      maximumNodes: { default: 3, description: 'Most nodes of one pool.' },
      maximumProcessors: { default: 4, description: 'Most processors of one database.' },
    },
    judge: function* (stack, limits): Iterable<Finding> {
      for (const [type, isSmall] of Object.entries(small))
        for (const resource of stack.ofType(type)) yield { urn: resource.urn, answer: isSmall(resource, limits) };
      for (const resource of everything(stack))
        yield { urn: resource.urn, answer: answer(!resource.protect, 'protect') };
    },
  }),
];

const everything = (stack: Stack): readonly Resource[] => stack.ofType(/^(gcp|kubernetes):/);

/** One of the labels holds a time that is not too far, or a duration that is not too long. One in the past is over. */
function ends(labels: Reading, names: readonly string[], now: Date, maximumHours: number): Answer {
  if (labels.state === 'unknown') return labels.exists();
  const candidates = [...labels.entries()].filter(([name]) => names.includes(name.split('/').at(-1) ?? name));
  return named(
    any(
      candidates.map(([, label]) =>
        label.test((text) => {
          const left = hoursOf(String(text), now);
          return left !== null && left <= maximumHours;
        }),
      ),
    ),
    `${labels.path} says no end`,
  );
}

/** `24h`, `3d`, or a time: ISO 8601, also without separators and in lower case as labels want it. */
function hoursOf(text: string, now: Date): number | null {
  const [, amount, unit] = /^(\d{1,4})([hd])$/.exec(text) ?? [];
  if (amount !== undefined) return Number(amount) * (unit === 'd' ? 24 : 1);
  const compact = /^(\d{4})(\d{2})(\d{2})t(\d{2})(\d{2})(\d{2})z$/i.exec(text);
  const [, y, mo, d, h, mi, s] = compact ?? [];
  const time = Date.parse(compact === null ? text : `${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
  return Number.isNaN(time) ? null : (time - now.getTime()) / hour;
}

type Limits = { readonly maximumNodes: number; readonly maximumProcessors: number };

const unprotected = (resource: Resource, path: string): Answer => resource.at(path).isNot(true);

/** By type. Autopilot has no zonal clusters and no nodes of ours: https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-overview */
const small: Readonly<Record<string, (resource: Resource, limits: Limits) => Answer>> = {
  'gcp:sql/databaseInstance:DatabaseInstance': (instance, { maximumProcessors }) =>
    all([
      instance.at('settings.availabilityType').isNot('REGIONAL'),
      instance.at('settings.edition').isNot('ENTERPRISE_PLUS'),
      instance.at('settings.tier').test((tier) => (processorsOf(String(tier)) ?? 0) <= maximumProcessors),
      unprotected(instance, 'settings.deletionProtectionEnabled'),
      // The provider's own is on unless it is switched off.
      instance.at('deletionProtection').is(false),
    ]),
  'gcp:memorystore/instance:Instance': (cache) =>
    all([
      cache.at('replicaCount').orElse(0).atMost(0),
      cache.at('shardCount').orElse(1).atMost(1),
      cache.at('deletionProtectionEnabled').is(false),
    ]),
  'gcp:redis/instance:Instance': (cache) => cache.at('tier').isNot('STANDARD_HA'),
  'gcp:redis/cluster:Cluster': (cache) =>
    all([cache.at('replicaCount').orElse(0).atMost(0), cache.at('deletionProtectionEnabled').is(false)]),
  'gcp:container/cluster:Cluster': (cluster) =>
    all([
      any([cluster.at('enableAutopilot').is(true), cluster.at('location').matches(/-[a-z]$/)]),
      cluster.at('deletionProtection').is(false),
    ]),
  'gcp:container/nodePool:NodePool': (pool, { maximumNodes }) =>
    all([
      any([pool.at('nodeConfig.spot').is(true), pool.at('nodeConfig.preemptible').is(true)]),
      any([
        pool.at('autoscaling.totalMaxNodeCount').atMost(maximumNodes),
        pool.at('autoscaling.maxNodeCount').atMost(maximumNodes),
        all([pool.at('autoscaling').isAbsent(), pool.at('nodeCount').atMost(maximumNodes)]),
      ]),
    ]),
  'gcp:certificateauthority/caPool:CaPool': (pool) => pool.at('tier').isNot('ENTERPRISE'),
  'gcp:certificateauthority/authority:Authority': (authority) => authority.at('deletionProtection').is(false),
  'gcp:firestore/database:Database': (database) =>
    not(database.at('deleteProtectionState').is('DELETE_PROTECTION_ENABLED'), 'deleteProtectionState'),
  'gcp:storage/bucket:Bucket': (bucket) => bucket.at('forceDestroy').is(true),
};

/** `db-custom-2-7680`, `db-perf-optimized-N-2`, `db-n1-standard-4`; null for what is none of these. */
export function processorsOf(tier: string): number | null {
  if (/^db-(f1-micro|g1-small)$/.test(tier)) return 1;
  const found =
    /^db-custom-(\d+)-\d+$/.exec(tier) ?? /^db-perf-optimized-N-(\d+)$/.exec(tier) ?? /^db-n1-\w+-(\d+)$/.exec(tier);
  return found === null ? null : Number(found[1]);
}
