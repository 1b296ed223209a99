import { type Answer, all, answer, any, no, not, when, yes } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { named, refersTo, some } from '../framework/relations.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { isExternal } from './edge.ts';
import { kindOf } from './relations.ts';

/** A store of data, the property that ties it to a network, and the class of its endpoints in that network. */
type Store = { type: string; network: (store: Resource) => readonly Reading[]; serviceClass: string | null };

const stores: readonly Store[] = [
  {
    type: 'gcp:sql/databaseInstance:DatabaseInstance',
    network: (store) => [
      store.at('settings.ipConfiguration.privateNetwork'),
      ...store
        .at('settings.ipConfiguration.pscConfigs')
        .items()
        .flatMap((config) => config.at('pscAutoConnections').items())
        .map((connection) => connection.at('consumerNetwork')),
    ],
    serviceClass: 'google-cloud-sql',
  },
  {
    type: 'gcp:memorystore/instance:Instance',
    network: (store) =>
      store
        .at('desiredAutoCreatedEndpoints')
        .items()
        .map((endpoint) => endpoint.at('network')),
    serviceClass: 'gcp-memorystore',
  },
  {
    type: 'gcp:redis/cluster:Cluster',
    network: (store) =>
      store
        .at('pscConfigs')
        .items()
        .map((config) => config.at('network')),
    serviceClass: 'gcp-memorystore-redis',
  },
  { type: 'gcp:redis/instance:Instance', network: (store) => [store.at('authorizedNetwork')], serviceClass: null },
];

const storesOf = (stack: Stack) =>
  stores.flatMap((store) => stack.ofType(store.type).map((resource) => ({ ...store, resource })));

/** Ports of stores, those of Google's connectors (3307) and of Memorystore's nodes included. */
const dataPorts = {
  default: ['1433', '3306', '3307', '5432', '6379', '6432', '9042', '9200', '11000-13047', '27017'],
  description: 'Ports and ranges of ports on which stores listen',
} as const;

const noPublicPath = stackPolicy({
  id: 'stack-no-public-path-to-database',
  description:
    'In a stack that keeps data, nothing that faces the internet leads to a port of a store: no firewall rule, forwarding rule or load balancer of a Service.',
  severity: 'critical',
  level: 'mandatory',
  remediation:
    'Remove the port, or make the way internal: an internal load balancer, a source range of your own, a connector with IAM login.',
  url: 'https://cloud.google.com/sql/docs/postgres/private-ip',
  references: { 'cis-gcp-4': ['6.5', '6.6'], 'cis-gcp-5': ['6.5', '6.7'], checkov: ['CKV_GCP_88'] },
  settings: { dataPorts },
  judge: function* (stack, { dataPorts: ports }): Iterable<Finding> {
    if (storesOf(stack).length === 0) return;
    const touching = (reading: Reading) => reading.test((port) => ports.some((each) => overlap(each, String(port))));
    for (const rule of stack.ofType(/^gcp:compute\/firewall:/))
      yield { urn: rule.urn, answer: classicRule(rule, touching) };
    for (const rule of stack.ofType(/^gcp:compute\/(network|regionNetwork)?[fF]irewallPolicyRule:/))
      yield { urn: rule.urn, answer: policyRule(rule, touching) };
    for (const rule of stack.ofType(
      'gcp:compute/forwardingRule:ForwardingRule',
      'gcp:compute/globalForwardingRule:GlobalForwardingRule',
    ))
      yield { urn: rule.urn, answer: forwarding(rule, touching) };
    for (const service of stack.ofType(kindOf('Service')))
      yield {
        urn: service.urn,
        answer: when(isExternal(service), () =>
          service
            .at('spec.ports')
            .every((port) =>
              all([
                untouched(port.at('port'), touching),
                port.at('targetPort').matches(/^[a-z]/).is === 'yes' ? yes : absentOr(port.at('targetPort'), touching),
              ]),
            ),
        ),
      };
  },
});

type Touching = (port: Reading) => Answer;
const untouched = (port: Reading, touching: Touching): Answer => named(not(touching(port), port.path), port.path);
const absentOr = (port: Reading, touching: Touching): Answer =>
  port.state === 'absent' ? yes : untouched(port, touching);

/** Without ranges and tags a rule is for everybody. https://cloud.google.com/firewall/docs/firewalls#sources */
function classicRule(rule: Resource, touching: Touching): Answer {
  const sources = rule.at('sourceRanges');
  const tagged = any([rule.at('sourceTags').isFilled(), rule.at('sourceServiceAccounts').isFilled()]);
  const open = sources.state === 'absent' ? not(tagged, 'sourceRanges') : sources.some(isWorld);
  const applies = all([
    rule.at('direction').orElse('INGRESS').is('INGRESS'),
    rule.at('disabled').isNot(true),
    rule.at('allows').isFilled(),
    open,
  ]);
  return when(applies, () =>
    rule.at('allows').every((allow) => closed(allow.at('protocol'), allow.at('ports'), touching)),
  );
}

function policyRule(rule: Resource, touching: Touching): Answer {
  const ranges = rule.at('match.srcIpRanges');
  const open = ranges.state === 'absent' ? no(ranges.path) : ranges.some(isWorld);
  const applies = all([
    rule.at('action').is('allow'),
    rule.at('direction').is('INGRESS'),
    rule.at('disabled').isNot(true),
    open,
  ]);
  return when(applies, () =>
    rule.at('match.layer4Configs').every((config) => closed(config.at('ipProtocol'), config.at('ports'), touching)),
  );
}

/** A protocol without ports is all of its ports. */
const closed = (protocol: Reading, ports: Reading, touching: Touching): Answer =>
  when(protocol.is('tcp', 'udp', 'all', '6', '17'), () =>
    ports.state === 'absent' ? no(ports.path) : ports.every((port) => untouched(port, touching)),
  );

function forwarding(rule: Resource, touching: Touching): Answer {
  const external = rule
    .at('loadBalancingScheme')
    .orElse('EXTERNAL')
    .matches(/^EXTERNAL/);
  return when(all([external, rule.at('target').matches(/serviceAttachments/).is === 'yes' ? no('target') : yes]), () =>
    all([
      rule.at('allPorts').isNot(true),
      absentOr(rule.at('portRange'), touching),
      rule.at('ports').every((port) => untouched(port, touching)),
    ]),
  );
}

/** The internet, whole or as two halves: no private network is wider than a /8. */
const isWorld = (range: Reading): Answer =>
  range.test((text) => {
    const [address = '', length] = String(text).split('/');
    return address.includes(':') ? Number(length ?? 128) < 16 : Number(length ?? 32) < 8;
  });

/** `5432` and `5000-6000` overlap. */
function overlap(a: string, b: string): boolean {
  const [[from, to], [start, end]] = [a, b].map((text) => {
    const [first = '', last = first] = text.split('-');
    return [Number(first), Number(last)] as const;
  }) as [readonly [number, number], readonly [number, number]];
  return from <= end && start <= to;
}

const storesInStackNetwork = stackPolicy({
  id: 'stack-database-network-is-stack-vpc',
  description:
    'Databases and caches are reached inside a network of this stack, the one of its cluster, through a connection that this stack makes: Private Service Connect with its policy, or private services access.',
  severity: 'high',
  level: 'mandatory',
  remediation:
    'Take the network from the Network of this stack, and add its ServiceConnectionPolicy for the product (or the servicenetworking Connection that the instance waits for). A shared VPC is named in the setting networks.',
  url: 'https://cloud.google.com/vpc/docs/about-service-connection-policies',
  references: { 'cis-gcp-4': ['6.6'], 'cis-gcp-5': ['6.7'] },
  settings: {
    networks: {
      default: [],
      description: 'Self links of networks outside this stack that are allowed, as projects/P/global/networks/N',
    },
  },
  judge: (stack, { networks }) =>
    storesOf(stack).map((store): Finding => ({ urn: store.resource.urn, answer: inside(stack, store, networks) })),
});

function inside(
  stack: Stack,
  { resource, network, serviceClass }: Store & { resource: Resource },
  allowed: readonly string[],
): Answer {
  const places = network(resource).filter(({ state }) => state !== 'absent');
  if (places.length === 0) return no('in no network');
  return all(
    places.map((place) => {
      if (any(allowed.map((each) => place.matches(new RegExp(`${each}$`)))).is === 'yes') return yes;
      const known = stack
        .ofType('gcp:compute/network:Network')
        .map((each) => ({ each, refers: refersTo(resource, place.path, each) }));
      const vpc = known.find(({ refers }) => refers.is === 'yes')?.each;
      if (vpc === undefined)
        return named(any(known.map(({ refers }) => refers)), `${place.path} is no network of this stack`);
      return all([
        ...stack
          .ofType('gcp:container/cluster:Cluster')
          .map((cluster) =>
            named(refersTo(cluster, 'network', vpc), `${place.path} is not the network of ${cluster.name}`),
          ),
        place.path.includes('privateNetwork')
          ? peered(stack, resource, vpc)
          : connected(stack, vpc, serviceClass, place.path),
      ]);
    }),
  );
}

/** https://cloud.google.com/vpc/docs/configure-service-connection-policies */
const connected = (stack: Stack, vpc: Resource, serviceClass: string | null, path: string): Answer =>
  serviceClass === null
    ? yes
    : named(
        some(stack.ofType('gcp:networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy'), (policy) =>
          all([refersTo(policy, 'network', vpc), policy.at('serviceClass').is(serviceClass)]),
        ),
        `${path} has no connection policy for ${serviceClass}`,
      );

/** The instance waits for the peering: made the other way round, Google refuses it. */
const peered = (stack: Stack, instance: Resource, vpc: Resource): Answer =>
  named(
    some(stack.ofType('gcp:servicenetworking/connection:Connection'), (connection) =>
      all([
        refersTo(connection, 'network', vpc),
        answer(
          instance.dependencies.some(({ urn }) => urn === connection.urn),
          'dependsOn',
        ),
      ]),
    ),
    'settings.ipConfiguration.privateNetwork has no servicenetworking Connection that it waits for',
  );

export const storePolicies: readonly Policy[] = [noPublicPath, storesInStackNetwork];
