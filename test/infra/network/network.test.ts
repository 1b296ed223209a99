import type * as pulumi from '@pulumi/pulumi';
import { describe, expect, test } from 'vitest';
import type { Environment } from '../../../infra/environment.ts';
import { firewallRules, restrictedAddresses } from '../../../infra/network/firewall-rules.ts';
import { googleDomains } from '../../../infra/network/google-apis.ts';
import { Network } from '../../../infra/network/network.ts';
import type { Recording } from '../../../infra/recording/record.ts';
import { tierNames } from '../../../infra/tiers.ts';
import { type ComponentGiven, environmentFor, ofType, only, recordComponent } from '../support/component.ts';

const made = new Map<string, Promise<Recording>>();
/** A recording is only read, so that tests of one environment share it. */
function recorded(given: ComponentGiven): Promise<Recording> {
  const key = JSON.stringify(given);
  const found = made.get(key) ?? recordComponent(given, record);
  made.set(key, found);
  return found;
}
const record = (environment: Environment, options: pulumi.ComponentResourceOptions) => {
  const network = new Network('network', { environment }, options);
  return { nodeTags: network.nodeTags };
};
const rulesOf = (recording: Recording) =>
  ofType(recording, 'gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule').map(({ inputs }) => inputs);

describe('subnets', () => {
  test('have the ranges of the plan, and no other', async () => {
    const recording = await recorded({ tier: 'prod' });
    const { addresses } = environmentFor({ tier: 'prod' }).plan;
    const nodes = only(recording, 'gcp:compute/subnetwork:Subnetwork', 'network-nodes');
    expect(nodes.inputs).toMatchObject({
      name: 'prod-nodes',
      region: 'europe-west1',
      ipCidrRange: addresses.nodes,
      privateIpGoogleAccess: true,
      secondaryIpRanges: [
        { rangeName: 'pods', ipCidrRange: addresses.pods },
        { rangeName: 'services', ipCidrRange: addresses.services },
      ],
    });
    const ranges = ofType(recording, 'gcp:compute/subnetwork:Subnetwork').map(({ inputs }) => inputs['ipCidrRange']);
    expect(ranges.sort()).toEqual([addresses.nodes, addresses.privateServices, addresses.proxies].sort());
    const proxies = only(recording, 'gcp:compute/subnetwork:Subnetwork', 'network-proxies');
    expect(proxies.inputs).toMatchObject({ purpose: 'REGIONAL_MANAGED_PROXY', role: 'ACTIVE' });
  });

  test.each([true, false])('write flow logs as hardening says: %s', async (flowLogs) => {
    const recording = await recorded({ tier: 'dev', settings: { hardening: { 'network.flowLogs': flowLogs } } });
    for (const name of ['network-nodes', 'network-private-services'])
      expect('logConfig' in only(recording, 'gcp:compute/subnetwork:Subnetwork', name).inputs).toBe(flowLogs);
  });

  test.each(tierNames)('and the network are protected as tier %s says', async (tier) => {
    const recording = await recorded({ tier });
    const { lifecycle } = environmentFor({ tier }).tier;
    for (const [type, name] of [
      ['gcp:compute/network:Network', 'network-vpc'],
      ['gcp:compute/subnetwork:Subnetwork', 'network-nodes'],
    ] as const) {
      const { protect, inputs } = only(recording, type, name);
      expect(protect).toBe(lifecycle.protect);
      expect(inputs['deletionPolicy']).toBe(lifecycle.deletionPolicy);
    }
  });
});

describe('the network', () => {
  test('has no subnet and no route that is not in the state', async () => {
    const recording = await recorded({ tier: 'prod' });
    expect(only(recording, 'gcp:compute/network:Network').inputs).toMatchObject({
      name: 'prod',
      autoCreateSubnetworks: false,
      deleteDefaultRoutesOnCreate: true,
    });
    expect(
      ofType(recording, 'gcp:compute/route:Route').map(({ inputs }) => [inputs['destRange'], inputs['nextHopGateway']]),
    ).toEqual([
      ['199.36.153.4/30', 'default-internet-gateway'],
      ['0.0.0.0/0', 'default-internet-gateway'],
    ]);
  });

  test('gives databases and caches endpoints in their own subnet, and is peered with nobody', async () => {
    const recording = await recorded({ tier: 'prod' });
    const policies = ofType(recording, 'gcp:networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy');
    expect(policies.map(({ inputs }) => inputs['serviceClass']).sort()).toEqual([
      'gcp-memorystore',
      'google-cloud-sql',
    ]);
    for (const { inputs } of policies)
      expect(inputs).toMatchObject({
        location: 'europe-west1',
        pscConfig: { subnetworks: [expect.stringContaining('subnetworks/prod-private-services')] },
      });
    expect(recording.registrations.filter(({ type }) => /peering|servicenetworking/i.test(type))).toEqual([]);
  });

  test('lets out nodes and pods only, with ports by need', async () => {
    const nat = only(await recorded({ tier: 'prod' }), 'gcp:compute/routerNat:RouterNat');
    expect(nat.inputs).toMatchObject({
      natIpAllocateOption: 'AUTO_ONLY',
      sourceSubnetworkIpRangesToNat: 'LIST_OF_SUBNETWORKS',
      subnetworks: [
        {
          name: expect.stringContaining('subnetworks/prod-nodes'),
          sourceIpRangesToNats: ['PRIMARY_IP_RANGE', 'LIST_OF_SECONDARY_IP_RANGES'],
          secondaryIpRangeNames: ['pods'],
        },
      ],
      enableDynamicPortAllocation: true,
      enableEndpointIndependentMapping: false,
      logConfig: { enable: true, filter: 'ERRORS_ONLY' },
    });
    for (const key of ['minPortsPerVm', 'maxPortsPerVm'])
      expect(Math.log2(nat.inputs[key] as number), `${key} is a power of two`).toSatisfy(Number.isInteger);
  });

  test('answers Google names privately, with wildcard and root', async () => {
    const recording = await recorded({ tier: 'prod' });
    const zones = ofType(recording, 'gcp:dns/managedZone:ManagedZone');
    expect(zones.map(({ inputs }) => inputs['dnsName']).sort()).toEqual(
      Object.keys(googleDomains)
        .map((domain) => `${domain}.`)
        .sort(),
    );
    for (const { inputs } of zones)
      expect(inputs).toMatchObject({
        visibility: 'private',
        privateVisibilityConfig: { networks: [{ networkUrl: 'projects/iot-prod-1/global/networks/prod' }] },
      });
    const records = ofType(recording, 'gcp:dns/recordSet:RecordSet').map(({ inputs }) => inputs);
    const addresses = new Map(
      records.filter(({ type }) => type === 'A').map(({ name, rrdatas }) => [name as string, rrdatas]),
    );
    for (const domain of Object.keys(googleDomains)) {
      const wildcard = records.find(({ name }) => name === `*.${domain}.`);
      expect(wildcard, domain).toMatchObject({ type: 'CNAME' });
      const [target = ''] = (wildcard?.['rrdatas'] ?? []) as string[];
      expect(addresses.get(target), `${domain} ends at an address`).toEqual([...restrictedAddresses]);
    }
  });

  test.each(['pubsub.googleapis.com', 'gke.gcr.io', 'europe-west1-docker.pkg.dev', 'gke-1.europe-west1.gke.goog'])(
    'reaches %s without the internet',
    async (host) => {
      const records = ofType(await recorded({ tier: 'prod' }), 'gcp:dns/recordSet:RecordSet');
      const wildcards = records.map(({ inputs }) => inputs['name'] as string).filter((name) => name.startsWith('*.'));
      expect(wildcards.filter((name) => `${host}.`.endsWith(name.slice(1)))).toHaveLength(1);
    },
  );

  test('is the same in preview', async () => {
    const [up, preview] = [await recorded({ tier: 'prod' }), await recorded({ tier: 'prod', mode: 'preview' })];
    expect(preview.registrations.map(({ urn }) => urn)).toEqual(up.registrations.map(({ urn }) => urn));
    expect(rulesOf(preview).map(({ ruleName, priority }) => [ruleName, priority])).toEqual(
      rulesOf(up).map(({ ruleName, priority }) => [ruleName, priority]),
    );
  });
});

describe('the firewall as registered', () => {
  test.each(tierNames)('is the table of rules, in tier %s', async (tier) => {
    const table = firewallRules(environmentFor({ tier }));
    const rules = rulesOf(await recorded({ tier }));
    expect(rules).toHaveLength(table.length);
    for (const rule of table) {
      const registered = rules.find(({ ruleName }) => ruleName === rule.name);
      expect(registered, rule.name).toMatchObject({
        priority: rule.priority,
        direction: rule.direction,
        action: rule.action,
        enableLogging: rule.logged,
      });
      const match = registered?.['match'] as Record<string, unknown>;
      expect(match[rule.direction === 'INGRESS' ? 'srcIpRanges' : 'destIpRanges']).toEqual(rule.ranges);
      expect('targetSecureTags' in (registered ?? {})).toBe(rule.nodesOnly);
    }
  });

  test('is attached when all rules are in', async () => {
    const recording = await recorded({ tier: 'prod' });
    const association = only(
      recording,
      'gcp:compute/networkFirewallPolicyAssociation:NetworkFirewallPolicyAssociation',
    );
    const rules = ofType(recording, 'gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule');
    expect(association.dependencies).toEqual(expect.arrayContaining(rules.map(({ urn }) => urn)));
    expect(association.inputs['attachmentTarget']).toBe('projects/iot-prod-1/global/networks/prod');
  });

  test('aims at nodes by a secure tag of this network', async () => {
    const recording = await recorded({ tier: 'prod' });
    expect(only(recording, 'gcp:tags/tagKey:TagKey').inputs).toMatchObject({
      parent: 'projects/iot-prod-1',
      purpose: 'GCE_FIREWALL',
      purposeData: { network: 'iot-prod-1/prod' },
    });
    const mqtt = rulesOf(recording).find(({ ruleName }) => ruleName === 'mqtt');
    expect(mqtt?.['targetSecureTags']).toEqual([{ name: 'tagValues/281475012216836' }]);
  });
});
