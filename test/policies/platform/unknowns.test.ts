import { expect, test } from 'vitest';
import { judgeAll } from '../../../policies/framework/judge.ts';
import { inProduction, notKnownYet } from '../../../policies/framework/testing.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { blueprint } from '../support/prove.ts';
import { adding, type Change, edit, unprotect } from './changes.ts';

const instance = 'sql/databaseInstance';
const service = 'core/v1:Service';

/** A fault of one resource, which no other resource can make good. */
const faults: readonly (readonly [policy: string, fault: Change])[] = [
  ['stack-prod-survives-zone', edit(instance, 'core', { 'settings.availabilityType': 'ZONAL' })],
  ['stack-prod-durable', unprotect('kms/cryptoKey', 'firmware')],
  ['stack-device-service-tls-only', edit(service, 'workloads-edge-address', { 'spec.ports[0].port': 1883 })],
  [
    'stack-no-public-path-to-database',
    adding('gcp:compute/firewall:Firewall', { allows: [{ protocol: 'tcp', ports: ['5432'] }] }),
  ],
  ['stack-no-plain-secrets', edit('core/v1:ConfigMap', '', { data: { a: `-----BEGIN ${'PRIVATE'} KEY-----` } })],
  ['stack-required-labels', edit('pulumi:providers:gcp', '', { defaultLabels: '{}' })],
  ['stack-single-region', edit(instance, 'core', { region: 'us-central1' })],
  ['stack-cost-ceiling', edit('HorizontalPodAutoscaler', 'gateway', { 'spec.minReplicas': 100_000 })],
];

test.each(faults)('%s: its fault is a violation beside whatever is unknown', async (policy, fault) => {
  const broken = fault(structuredClone([...(await blueprint())]));
  const kinds = [...new Map(broken.map((each) => [each.type, each])).values()];
  // One more resource of each type of which nothing is known, and one of which every property is unknown.
  const unknown = kinds.flatMap((each, index) => [
    { ...each, urn: `${each.urn}-unread-${index}`, props: {}, unread: true, propertyDependencies: {} },
    {
      ...each,
      urn: `${each.urn}-unknown-${index}`,
      props: Object.fromEntries(Object.keys(each.props).map((key) => [key, notKnownYet])),
      propertyDependencies: {},
    },
  ]);
  const said = judgeAll(platform.policies, [...broken, ...unknown], inProduction).get(policy);
  expect(said?.violations.length).toBeGreaterThan(0);
});
