import { type Answer, all, any, no, when, yes } from '../framework/answer.ts';
import { type Finding, type Policy, resourcePolicy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { named } from '../framework/relations.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { firewallRules, fromWorld, letsIn, opensOnly } from './firewall-openings.ts';
import { machines, own } from './gke-nodes.ts';

const cluster = 'gcp:container/cluster:Cluster';
const pool = 'gcp:container/nodePool:NodePool';
const scope = (name: string) => [`https://www.googleapis.com/auth/${name}`, name];
const everything = [...scope('cloud-platform')];
const wide = [...scope('compute'), ...scope('devstorage.full_control'), ...scope('devstorage.read_write')];

/** What pools of nodes may grow to, run with and be reached by. */
export const gkePoolPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'gke-node-scopes-narrow',
    description:
      'The token of a node opens everything only where its account is one of its own, whose roles are the limit.',
    severity: 'medium',
    level: 'advisory',
    remediation:
      'Set nodeConfig.serviceAccount with the scope cloud-platform, or take compute and devstorage scopes for writing out.',
    url: 'https://cloud.google.com/compute/docs/access/service-accounts#scopes_best_practice',
    references: {},
    types: [cluster, pool],
    judge: (subject) =>
      machines(subject, (config) =>
        any([
          own(config.at('serviceAccount')),
          config.at('oauthScopes').every((each) => each.isNot(...everything, ...wide)),
        ]),
      ),
  }),
  resourcePolicy({
    id: 'gke-no-unsafe-sysctls',
    description: 'No pod of a pool may set kernel parameters that reach beyond it.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Leave kubeletConfig.allowedUnsafeSysctls empty.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/node-system-config#sysctl-options',
    references: { trivy: ['KSV-0026'] },
    types: [cluster, pool],
    judge: (subject) =>
      machines(subject, (config) => config.at('kubeletConfig.allowedUnsafeSysctls').every((each) => no(each.path))),
  }),
  resourcePolicy({
    id: 'gke-node-pool-bounded',
    description:
      'A pool of nodes ends somewhere: a loop that asks for pods is otherwise a loop that asks for machines.',
    severity: 'low',
    level: 'mandatory',
    remediation:
      'Set autoscaling.totalMaxNodeCount or maxNodeCount (a zone) to at most maximumNodes, and a machineType of the setting machineTypes.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/cluster-autoscaler',
    references: {},
    settings: {
      maximumNodes: { default: 100, description: 'Most nodes of one pool (of one zone, where the limit is given so).' },
      machineTypes: { default: [], description: 'Machine types that are allowed; empty: any.' },
    },
    types: [pool],
    judge: ({ at, settings }) => {
      const most = settings.maximumNodes;
      const scaled = at('autoscaling');
      return all([
        scaled.state === 'absent'
          ? all([at('nodeCount').orElse(0).atMost(most), at('initialNodeCount').orElse(0).atMost(most)])
          : any([scaled.at('totalMaxNodeCount').atMost(most), scaled.at('maxNodeCount').atMost(most)]),
        settings.machineTypes.length === 0 ? yes : at('nodeConfig.machineType').is(...settings.machineTypes),
      ]);
    },
  }),
  resourcePolicy({
    id: 'gke-surge-upgrade',
    description: 'An upgrade adds a node before it takes one away, so that it takes no capacity.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set upgradeSettings.maxSurge to 1 or more and maxUnavailable to 0, or strategy BLUE_GREEN.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/node-pool-upgrade-strategies',
    references: {},
    types: [pool],
    // One more and none less is what a pool without settings does.
    judge: ({ at }) =>
      any([
        at('upgradeSettings.strategy').is('BLUE_GREEN'),
        all([
          at('upgradeSettings.maxSurge').orElse(1).atLeast(1),
          at('upgradeSettings.maxUnavailable').orElse(0).atMost(0),
        ]),
      ]),
  }),
  stackPolicy({
    id: 'gke-node-no-external-tags',
    description:
      'No tag of a node is the target of a firewall rule that lets the internet in, but for the ports of load balancers that keep addresses.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Take the tag from the node, or narrow the sources of the rule that targets it.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/firewall-rules',
    references: { 'cis-gke': ['5.6.6'] },
    settings: {
      allowedPorts: { default: ['443', '8883'], description: 'Ports that the internet may reach on nodes.' },
    },
    judge: (stack, { allowedPorts }) =>
      stack
        .ofType(cluster, pool)
        .map((nodes): Finding => ({ urn: nodes.urn, answer: unreached(stack, nodes, allowedPorts) })),
  }),
];

/** Where nodes get network tags, accounts and secure tags from: pools, and what Autopilot makes. */
const tagPaths = ['nodeConfig.tags', 'nodePoolAutoConfig.networkTags.tags'];
export const accountPaths = ['nodeConfig.serviceAccount', 'clusterAutoscaling.autoProvisioningDefaults.serviceAccount'];
const secureTagPaths = ['nodeConfig.resourceManagerTags', 'nodePoolAutoConfig.resourceManagerTags'];

const unreached = (stack: Stack, nodes: Resource, allowedPorts: readonly string[]): Answer =>
  all(
    stack.ofType(...firewallRules).map((rule) => {
      const reached = any([
        meets(rule.at('targetTags'), tagPaths.map(nodes.at)),
        meets(rule.at('targetServiceAccounts'), accountPaths.map(nodes.at)),
        any(secureTagPaths.map((path) => secured(rule, nodes, path))),
      ]);
      return when(all([reached, letsIn(rule), fromWorld(rule)]), () =>
        named(opensOnly(rule, allowedPorts), `${rule.name} lets the internet reach these nodes`),
      );
    }),
  );

/** One of the targets is one of the node's own values. */
const meets = (targets: Reading, places: readonly Reading[]): Answer =>
  targets.state === 'absent'
    ? no(targets.path)
    : any(
        places.map((place) =>
          place.state === 'absent'
            ? no(place.path)
            : targets.some((target) =>
                target.state === 'unknown'
                  ? target.exists()
                  : Array.isArray(place.value) || place.items().length > 0
                    ? place.some((each) => each.is(target.value))
                    : place.is(target.value),
              ),
        ),
      );

/** Secure tags are resources: the value that flows into the rule flows into the node, or its name is on both. */
function secured(rule: Resource, nodes: Resource, path: string): Answer {
  const targets = rule.at('targetSecureTags');
  const tags = nodes.at(path);
  if (targets.state === 'absent' || tags.state === 'absent') return no(tags.path);
  const values = rule.sourcesOf('targetSecureTags').filter(({ type }) => type === 'gcp:tags/tagValue:TagValue');
  const own = nodes.sourcesOf(path.split('.')[0] ?? path);
  if (values.some(({ urn }) => own.some((each) => each.urn === urn))) return yes;
  return targets.some((target) => {
    const name = target.at('name');
    if (name.state !== 'known') return name.exists();
    return tags.state === 'unknown' ? tags.exists() : any(tags.entries().map(([, each]) => each.is(name.value)));
  });
}
