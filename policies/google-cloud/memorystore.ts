import { type Answer, all, any, not, when, yes } from '../framework/answer.ts';
import { type Policy, resourcePolicy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import type { Resource } from '../framework/stack.ts';

/** Memorystore for Redis, for Redis Cluster, and for Valkey: three products, three spellings of the same settings. */
const instance = 'gcp:redis/instance:Instance';
const cluster = 'gcp:redis/cluster:Cluster';
const valkey = 'gcp:memorystore/instance:Instance';
const caches = [instance, cluster, valkey];
const network = 'gcp:compute/network:Network';

export const memorystorePolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'redis-auth',
    description:
      'A cache asks who connects: without it every machine of the network reads sessions and writes commands.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set authorizationMode to IAM_AUTH (Redis Cluster: AUTH_MODE_IAM_AUTH; Redis: authEnabled true).',
    url: 'https://cloud.google.com/memorystore/docs/valkey/about-iam-auth',
    references: { checkov: ['CKV_GCP_95'] },
    types: caches,
    judge: ({ type, at }) =>
      type === instance
        ? at('authEnabled').is(true)
        : at('authorizationMode').is(type === cluster ? 'AUTH_MODE_IAM_AUTH' : 'IAM_AUTH'),
  }),
  resourcePolicy({
    id: 'redis-tls',
    description:
      'Traffic of a cache is encrypted, with a server that proves itself: passwords and tokens travel in it.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Set transitEncryptionMode to SERVER_AUTHENTICATION (Redis Cluster: TRANSIT_ENCRYPTION_MODE_SERVER_AUTHENTICATION).',
    url: 'https://cloud.google.com/memorystore/docs/valkey/about-in-transit-encryption',
    references: { checkov: ['CKV_GCP_97'] },
    types: caches,
    judge: ({ type, at }) =>
      at('transitEncryptionMode').is(
        type === cluster ? 'TRANSIT_ENCRYPTION_MODE_SERVER_AUTHENTICATION' : 'SERVER_AUTHENTICATION',
      ),
  }),
  stackPolicy({
    id: 'redis-private-access',
    description:
      "A cache is reached by private access from a network of the stack, never from the project's default network.",
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Name a network of yours: in desiredAutoCreatedEndpoints or pscConfigs; for Redis in authorizedNetwork, with connectMode PRIVATE_SERVICE_ACCESS.',
    url: 'https://cloud.google.com/memorystore/docs/valkey/networking',
    references: {},
    judge: (stack) => stack.ofType(...caches).map((each) => ({ urn: each.urn, answer: privately(each) })),
  }),
  resourcePolicy({
    id: 'redis-high-availability',
    description: 'A cache of production has a replica in another zone: sessions and quotas outlive the loss of one.',
    severity: 'medium',
    level: 'mandatory',
    tiers: ['prod'],
    remediation: 'Set replicaCount to 1 or more (Redis: tier STANDARD_HA), zoneDistributionConfig.mode MULTI_ZONE.',
    url: 'https://cloud.google.com/memorystore/docs/valkey/ha-and-replicas',
    references: {},
    types: caches,
    judge: ({ type, at }) =>
      type === instance
        ? at('tier').is('STANDARD_HA')
        : all([at('replicaCount').atLeast(1), at('zoneDistributionConfig.mode').orElse('MULTI_ZONE').is('MULTI_ZONE')]),
  }),
  resourcePolicy({
    id: 'redis-deletion-protection',
    description: 'A cache of production refuses to be deleted, by the API or by the program.',
    severity: 'low',
    level: 'mandatory',
    tiers: ['prod'],
    remediation: 'Set deletionProtectionEnabled (Redis: deletionProtection) or deletionPolicy PREVENT.',
    url: 'https://www.pulumi.com/registry/packages/gcp/api-docs/memorystore/instance/',
    references: {},
    types: caches,
    judge: ({ type, at }) =>
      any([
        // Left out it is on, but for Valkey, where the API's default is off.
        type === instance
          ? at('deletionProtection').orElse(true).is(true)
          : at('deletionProtectionEnabled')
              .orElse(type === cluster)
              .is(true),
        at('deletionPolicy').is('PREVENT'),
      ]),
  }),
  resourcePolicy({
    id: 'redis-persistence',
    description:
      'A cache that refuses writes rather than forget keeps what is needed: then it outlives its processes too.',
    severity: 'low',
    level: 'advisory',
    remediation:
      'Set persistenceConfig (mode RDB or AOF; Redis: persistenceMode), or a maxmemory-policy that evicts where everything can be rebuilt.',
    url: 'https://cloud.google.com/memorystore/docs/valkey/about-persistence',
    references: {},
    types: caches,
    judge: ({ type, at }) =>
      when(
        at(type === valkey ? 'engineConfigs' : 'redisConfigs')
          .key('maxmemory-policy')
          .is('noeviction'),
        () => at(`persistenceConfig.${type === instance ? 'persistenceMode' : 'mode'}`).is('RDB', 'AOF'),
      ),
  }),
  resourcePolicy({
    id: 'redis-version',
    description: 'A cache runs Redis 7.0 or Valkey 7.2 at least: older ones are no longer mended.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set redisVersion to REDIS_7_0 or newer (Valkey: engineVersion VALKEY_7_2), or leave it out.',
    url: 'https://cloud.google.com/memorystore/docs/redis/supported-versions',
    references: {},
    settings: { oldest: { default: 7, description: 'Oldest major version.' } },
    types: [instance, valkey],
    // The newest is what the API makes without one.
    judge: ({ type, at, settings }) => {
      const version = at(type === instance ? 'redisVersion' : 'engineVersion');
      return version.state === 'absent'
        ? yes
        : version.test((text) => Number(/^(?:REDIS|VALKEY)_(\d+)/.exec(String(text))?.[1] ?? 0) >= settings.oldest);
    },
  }),
  resourcePolicy({
    id: 'redis-memory-bounded',
    description: 'What happens in a full cache is decided, not inherited: evicted entries, or refused writes.',
    severity: 'low',
    level: 'advisory',
    remediation:
      'Set maxmemory-policy in engineConfigs (Redis: redisConfigs): noeviction if entries are needed, else allkeys-lru.',
    url: 'https://cloud.google.com/memorystore/docs/valkey/supported-instance-configurations',
    references: {},
    types: caches,
    judge: ({ type, at }) =>
      at(type === valkey ? 'engineConfigs' : 'redisConfigs')
        .key('maxmemory-policy')
        .isFilled(),
  }),
];

function privately(cache: Resource): Answer {
  if (cache.type === instance)
    return all([
      cache.at('connectMode').is('PRIVATE_SERVICE_ACCESS'),
      ownNetwork(cache, 'authorizedNetwork', [cache.at('authorizedNetwork')]),
    ]);
  const properties =
    cache.type === cluster ? ['pscConfigs'] : ['desiredAutoCreatedEndpoints', 'desiredPscAutoConnections'];
  return all(
    properties.map((property) => {
      const endpoints = cache.at(property);
      // Endpoints can also be made beside the instance: without any there is nothing to reach.
      if (endpoints.state === 'absent') return yes;
      const networks =
        endpoints.state === 'unknown' ? [endpoints] : endpoints.items().map((each) => each.at('network'));
      return ownNetwork(cache, property, networks);
    }),
  );
}

/** A network that flows from the stack is its own, whatever its id will be; of others the name is all there is to see. */
const ownNetwork = (cache: Resource, property: string, networks: readonly Reading[]): Answer =>
  cache.sourcesOf(property).some(({ type }) => type === network)
    ? yes
    : all(networks.map((each) => all([each.isFilled(), not(each.matches(/(^|\/)default$/), each.path)])));
