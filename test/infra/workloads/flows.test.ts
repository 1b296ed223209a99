import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { access, type WorkloadName } from '../../../infra/access.ts';
import { calls, type PodName, podNames, visits } from '../../../infra/workloads/flows.ts';
import { denyAll, type PolicySpec, policyOf } from '../../../infra/workloads/network-policy.ts';
import { ports } from '../../../infra/workloads/ports.ts';
import { serviceCalls } from '../../../runtime/contracts/callers.ts';
import { SweepSettings } from '../../../runtime/contracts/settings/jobs.ts';
import * as settings from '../../../runtime/contracts/settings/services.ts';
import { environmentFor } from '../support/component.ts';

const schemas: Readonly<Record<PodName, z.ZodObject>> = {
  gateway: settings.GatewaySettings,
  processor: settings.ProcessorSettings,
  devices: settings.DevicesSettings,
  telemetry: settings.TelemetrySettings,
  api: settings.ApiSettings,
  migrate: settings.MigrateSettings,
  authority: settings.AuthoritySettings,
  retention: settings.RetentionSettings,
  sweep: SweepSettings,
  'probe-client': settings.ProbeClientSettings,
  probe: settings.ProbeSettings,
};

/** By whose identity each pod acts. */
const accounts: Partial<Record<PodName, WorkloadName>> = {
  migrate: 'migrator',
  authority: 'devices',
  retention: 'migrator',
  sweep: 'migrator',
  'probe-client': 'migrator',
};

/** What a policy allows, one line each: `in api:8081`, `out sql 3307`. */
function lines(spec: PolicySpec): string[] {
  const who = (peer: PolicySpec['ingress'][number]['from'][number]): string =>
    peer.podSelector?.matchLabels['app.kubernetes.io/name'] ??
    peer.ipBlock?.cidr ??
    peer.namespaceSelector?.matchExpressions?.flatMap(({ values }) => values).join('|') ??
    'everyone';
  return [
    ...spec.ingress.flatMap(({ from, ports }) =>
      from.flatMap((peer) => ports.map(({ port, protocol }) => `in ${who(peer)} ${protocol} ${port}`)),
    ),
    ...spec.egress.flatMap(({ to, ports }) =>
      to.flatMap((peer) => ports.map(({ port, protocol }) => `out ${who(peer)} ${protocol} ${port}`)),
    ),
  ];
}

const environment = environmentFor({ tier: 'prod' });
const psc = environment.plan.addresses.privateServices;
const google = '199.36.153.4/30';
const everyPod = [
  'out kube-system UDP 53',
  'out kube-system TCP 53',
  'out 169.254.169.254/32 UDP 53',
  'out 169.254.169.254/32 TCP 53',
  'out 169.254.20.10/32 UDP 53',
  'out 169.254.20.10/32 TCP 53',
  'out 169.254.169.254/32 TCP 80',
  'out 169.254.169.252/32 TCP 988',
];
const scraped = ['in gmp-system|gke-gmp-system TCP 9090'];
const traces = ['out gke-managed-otel TCP 4318'];

const allowed: Readonly<Record<PodName, readonly string[]>> = {
  gateway: [
    'in api TCP 9090',
    'in probe TCP 8883',
    'in 0.0.0.0/0 TCP 8883',
    ...scraped,
    'in gmp-system|gke-gmp-system TCP 9091',
    'out devices TCP 8081',
    `out ${google} TCP 443`,
    `out ${psc} TCP 6379`,
    ...traces,
  ],
  processor: [
    'in api TCP 9090',
    ...scraped,
    `out ${google} TCP 443`,
    `out ${psc} TCP 3307`,
    `out ${psc} TCP 6379`,
    ...traces,
  ],
  devices: [
    'in gateway TCP 8081',
    'in telemetry TCP 8081',
    'in api TCP 8081',
    'in api TCP 9090',
    ...scraped,
    `out ${google} TCP 443`,
    `out ${psc} TCP 3307`,
    `out ${psc} TCP 6379`,
    ...traces,
  ],
  telemetry: [
    'in api TCP 8082',
    'in api TCP 9090',
    ...scraped,
    'out devices TCP 8081',
    `out ${google} TCP 443`,
    `out ${psc} TCP 3307`,
    `out ${psc} TCP 6379`,
    ...traces,
  ],
  api: [
    'in probe TCP 8080',
    'in 0.0.0.0/0 TCP 8443',
    'in gmp-system|gke-gmp-system TCP 9091',
    'in 35.191.0.0/16 TCP 8080',
    'in 130.211.0.0/22 TCP 8080',
    'in 35.191.0.0/16 TCP 9090',
    'in 130.211.0.0/22 TCP 9090',
    ...scraped,
    'out devices TCP 8081',
    'out telemetry TCP 8082',
    'out gateway TCP 9090',
    'out processor TCP 9090',
    'out devices TCP 9090',
    'out telemetry TCP 9090',
    `out ${google} TCP 443`,
    `out ${psc} TCP 3307`,
    `out ${psc} TCP 6379`,
    ...traces,
  ],
  migrate: [`out ${google} TCP 443`, `out ${psc} TCP 3307`],
  authority: [`out ${google} TCP 443`, `out ${psc} TCP 3307`],
  retention: [`out ${google} TCP 443`, `out ${psc} TCP 3307`],
  sweep: [`out ${google} TCP 443`, `out ${psc} TCP 3307`],
  'probe-client': [`out ${google} TCP 443`, `out ${psc} TCP 3307`],
  probe: ['out api TCP 8080', 'out gateway TCP 8883', `out ${google} TCP 443`],
};

describe('network policies', () => {
  test.each(podNames)('%s may do this and nothing else', (name) => {
    expect(lines(policyOf(name, environment)).sort()).toEqual([...allowed[name], ...everyPod].sort());
  });

  test('without a domain nobody enrols by EST', () => {
    const without = lines(policyOf('api', { ...environment, domain: null }));
    expect(lines(policyOf('api', environment)).filter((line) => !without.includes(line))).toEqual([
      'in 0.0.0.0/0 TCP 8443',
    ]);
  });

  test('a pod without a policy of its own may do nothing', () => {
    expect(denyAll).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'], ingress: [], egress: [] });
  });

  test('another issuer is reached through the allow list, by those who ask it', () => {
    const oidc = { issuer: 'https://id.example.com', audience: 'iot' };
    const given = { ...environment, oidc, egressAllow: ['203.0.113.0/24'] };
    const who = podNames.filter((name) => lines(policyOf(name, given)).includes('out 203.0.113.0/24 TCP 443'));
    expect(who).toEqual(['api', 'probe']);
    expect(lines(policyOf('api', { ...given, oidc: null }))).not.toContain('out 203.0.113.0/24 TCP 443');
  });
});

describe('the table of flows is what the services need', () => {
  const flowTo = (name: PodName, to: PodName, port: number) =>
    calls[name].pods.some((flow) => flow.to === to && flow.port === port);

  test.each(podNames)('%s: every neighbour of its settings, and no other', (name) => {
    const has = (setting: string) => setting in schemas[name].shape;
    expect({
      devices: flowTo(name, 'devices', ports.devices),
      telemetry: flowTo(name, 'telemetry', ports.telemetry),
      api: flowTo(name, 'api', ports.api),
      mqtt: flowTo(name, 'gateway', ports.mqtt),
      health: flowTo(name, 'gateway', ports.health),
      sql: calls[name].outside.includes('sql'),
      cache: calls[name].outside.includes('cache'),
    }).toEqual({
      devices: has('IOT_DEVICES_URL'),
      telemetry: has('IOT_TELEMETRY_URL'),
      api: has('IOT_API_URL'),
      mqtt: has('IOT_MQTT'),
      health: has('IOT_PARTS'),
      sql: has('IOT_CORE_DATABASE_URL') || has('IOT_SHARD_DATABASE_URLS'),
      cache: has('IOT_REDIS_URL'),
    });
  });

  test.each(podNames)('%s: network and rights say the same of its stores', (name) => {
    const may = access[accounts[name] ?? (name as WorkloadName)];
    expect(calls[name].outside.includes('sql')).toBe(may.databases.length > 0);
    // A job has its service's identity, and its own, smaller network.
    if (!(name in accounts)) expect(calls[name].outside.includes('cache')).toBe(may.cache);
  });

  test('whom the network lets call a service, has an identity there, and nobody else has one', () => {
    const called = ['devices', 'telemetry'] as const;
    const byNetwork = podNames.flatMap((name) =>
      called.filter((to) => flowTo(name, to, ports[to])).map((to) => `${name} ${to}`),
    );
    const byIdentity = Object.entries(serviceCalls).flatMap(([name, services]) =>
      services.map((service) => `${name} ${service}`),
    );
    expect(byNetwork.sort()).toEqual(byIdentity.sort());
  });

  test('only devices come from the internet, and only to MQTT and EST', () => {
    const open = podNames.flatMap((name) =>
      visits[name].filter(({ from }) => from.endsWith('devices')).map(({ port }) => `${name} ${port}`),
    );
    expect(open).toEqual(['gateway 8883', 'api 8443']);
  });
});
