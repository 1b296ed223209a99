import type { RawResource } from '../../../policies/framework/stack.ts';
import { notKnownYet, withValue } from '../../../policies/framework/testing.ts';
import { memorystorePolicies } from '../../../policies/google-cloud/memorystore.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { fixture, prove } from '../support/prove.ts';

const valkey = 'gcp:memorystore/instance:Instance';
const redis = {
  authEnabled: true,
  transitEncryptionMode: 'SERVER_AUTHENTICATION',
  connectMode: 'PRIVATE_SERVICE_ACCESS',
  authorizedNetwork: 'projects/p/global/networks/own',
  tier: 'STANDARD_HA',
  redisConfigs: { 'maxmemory-policy': 'noeviction' },
};
const cluster = {
  authorizationMode: 'AUTH_MODE_IAM_AUTH',
  transitEncryptionMode: 'TRANSIT_ENCRYPTION_MODE_SERVER_AUTHENTICATION',
  pscConfigs: [{ network: 'projects/p/global/networks/own' }],
  replicaCount: 1,
  redisConfigs: { 'maxmemory-policy': 'noeviction' },
};
const redisWith = (path: string, value: unknown) => ({
  resource: fixture('gcp:redis/instance:Instance', withValue(redis, path, value)),
});
const clusterWith = (path: string, value: unknown) => ({
  resource: fixture('gcp:redis/cluster:Cluster', withValue(cluster, path, value)),
});

const network = 'desiredAutoCreatedEndpoints[0].network';
const cache = (path: string, value: unknown) => (resources: RawResource[]) =>
  resources.map((each) =>
    // Another network than the stack's: nothing flows from it.
    each.type === valkey ? { ...each, props: withValue(each.props, path, value), propertyDependencies: {} } : each,
  );
const beside = (type: string, props: Record<string, unknown>) => (resources: RawResource[]) => [
  ...resources,
  fixture(type, props),
];

/** A Redis instance that breaks nothing else. */
const cached = {
  authEnabled: true,
  authorizedNetwork: 'projects/p/global/networks/n',
  connectMode: 'PRIVATE_SERVICE_ACCESS',
  customerManagedKey: 'projects/p/locations/l/keyRings/r/cryptoKeys/k',
  deletionProtection: true,
  redisConfigs: { 'maxmemory-policy': 'allkeys-lru' },
  tier: 'STANDARD_HA',
  transitEncryptionMode: 'SERVER_AUTHENTICATION',
};

prove(memorystorePolicies, googleCloud.policies, [
  {
    policy: 'redis-auth',
    on: valkey,
    at: 'authorizationMode',
    broken: [
      { value: 'AUTH_DISABLED' },
      redisWith('authEnabled', false),
      redisWith('authEnabled', undefined),
      clusterWith('authorizationMode', 'AUTH_MODE_DISABLED'),
      clusterWith('authorizationMode', 'IAM_AUTH'),
    ],
    fine: [redisWith('name', 'r'), clusterWith('name', 'c')],
    absent: 'fires',
  },
  {
    policy: 'redis-tls',
    on: valkey,
    at: 'transitEncryptionMode',
    broken: [
      { value: 'TRANSIT_ENCRYPTION_DISABLED' },
      redisWith('transitEncryptionMode', 'DISABLED'),
      clusterWith('transitEncryptionMode', undefined),
    ],
    fine: [redisWith('name', 'r'), clusterWith('name', 'c')],
    absent: 'fires',
  },
  {
    policy: 'redis-private-access',
    // An instance of Redis that names no network takes the default one.
    along: ['net-no-default-network'],
    broken: {
      'the default network': cache(network, 'projects/p/global/networks/default'),
      'no network named': cache(network, ''),
      'direct peering': beside('gcp:redis/instance:Instance', { ...redis, connectMode: 'DIRECT_PEERING' }),
      'the default network of Redis': beside('gcp:redis/instance:Instance', { ...redis, authorizedNetwork: undefined }),
      'the default network of a cluster': beside('gcp:redis/cluster:Cluster', {
        ...cluster,
        pscConfigs: [{ network: 'default' }],
      }),
    },
    fine: {
      'a shared network': cache(network, 'projects/host/global/networks/shared-default-free'),
      'the other products': (all) =>
        beside('gcp:redis/instance:Instance', redis)(beside('gcp:redis/cluster:Cluster', cluster)(all)),
    },
    unknown: cache(network, notKnownYet),
    absent: cache('desiredAutoCreatedEndpoints', undefined),
    absentIs: 'passes',
  },
  {
    policy: 'redis-high-availability',
    on: valkey,
    at: 'replicaCount',
    broken: [
      { value: 0 },
      { set: { 'zoneDistributionConfig.mode': 'SINGLE_ZONE' } },
      redisWith('tier', 'BASIC'),
      clusterWith('replicaCount', 0),
    ],
    fine: [{ value: 2 }, { set: { zoneDistributionConfig: undefined } }, redisWith('name', 'r')],
    absent: 'fires',
  },
  {
    policy: 'redis-deletion-protection',
    on: valkey,
    given: { deletionPolicy: 'DELETE' },
    at: 'deletionProtectionEnabled',
    broken: [{ value: false }, redisWith('deletionProtection', false), clusterWith('deletionProtectionEnabled', false)],
    fine: [
      { set: { deletionProtectionEnabled: false, deletionPolicy: 'PREVENT' } },
      redisWith('deletionProtection', undefined),
      clusterWith('deletionProtectionEnabled', undefined),
    ],
    absent: 'fires',
  },
  {
    policy: 'redis-persistence',
    on: 'gcp:memorystore/instance:Instance',
    given: { 'engineConfigs.maxmemory-policy': 'noeviction', persistenceConfig: { mode: 'AOF' } },
    at: 'persistenceConfig.mode',
    broken: [{ value: 'DISABLED' }, { set: { persistenceConfig: undefined } }],
    fine: [{ set: { 'engineConfigs.maxmemory-policy': 'allkeys-lru', persistenceConfig: undefined } }],
    absent: 'fires',
  },
  {
    policy: 'redis-version',
    on: 'gcp:memorystore/instance:Instance',
    at: 'engineVersion',
    broken: [
      { value: 'REDIS_6_X' },
      { resource: fixture('gcp:redis/instance:Instance', { ...cached, redisVersion: 'REDIS_6_X' }) },
    ],
    fine: [
      { value: 'VALKEY_7_2' },
      { resource: fixture('gcp:redis/instance:Instance', { redisVersion: 'REDIS_7_2' }) },
    ],
    absent: 'passes',
  },
  {
    policy: 'redis-memory-bounded',
    on: valkey,
    at: 'engineConfigs',
    broken: [{ value: {} }, redisWith('redisConfigs', {})],
    fine: [{ value: { 'maxmemory-policy': 'allkeys-lru' } }, clusterWith('name', 'c')],
    absent: 'fires',
    unknown: 'passes',
  },
]);
