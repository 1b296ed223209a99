import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Environment } from '../../../infra/environment.ts';
import { type FirewallRule, firewallRules, restrictedAddresses } from '../../../infra/network/firewall-rules.ts';
import { tierNames } from '../../../infra/tiers.ts';
import { environmentFor } from '../support/component.ts';

type Packet = { direction: 'INGRESS' | 'EGRESS'; address: string; port: number; node?: boolean };

const bits = (address: string) => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const inRange = (address: string, range: string) => {
  const [base = '', length = '32'] = range.split('/');
  const size = 2 ** (32 - Number(length));
  return Math.floor(bits(address) / size) === Math.floor(bits(base) / size);
};
const portMatches = (port: number, given: string) => {
  const [from = '', to = from] = given.split('-');
  return port >= Number(from) && port <= Number(to);
};

/** The first rule by priority that a TCP packet meets, as Google's documentation describes it. */
function judge(rules: readonly FirewallRule[], { direction, address, port, node = true }: Packet): FirewallRule | null {
  return (
    [...rules]
      .sort((a, b) => a.priority - b.priority)
      .find(
        (rule) =>
          rule.direction === direction &&
          (!rule.nodesOnly || node) &&
          (rule.ranges ?? []).some((range) => inRange(address, range)) &&
          rule.layer4.some(
            ({ protocol, ports }) =>
              protocol !== 'udp' && (ports === undefined || ports.some((given) => portMatches(port, given))),
          ),
      ) ?? null
  );
}
const verdict = (environment: Environment, packet: Packet) => judge(firewallRules(environment), packet)?.action ?? null;

describe('what leaves', () => {
  const environment = environmentFor({ tier: 'prod', settings: { egressAllow: ['203.0.113.0/24'] } });
  test.each<[string, string, number, 'allow' | 'deny']>([
    ['an API of Google', restrictedAddresses[0], 443, 'allow'],
    ['the last of its addresses', restrictedAddresses[3], 443, 'allow'],
    ['the address after it', '199.36.153.8', 443, 'deny'],
    ['an API of Google without TLS', restrictedAddresses[0], 80, 'deny'],
    ['the control plane, in the subnet of nodes', '10.0.0.2', 443, 'allow'],
    ['a kubelet', '10.0.0.9', 10_250, 'allow'],
    ['a pod', '10.64.3.7', 8_081, 'allow'],
    ['a Kubernetes service', '10.1.0.1', 443, 'allow'],
    ['a database', '10.2.0.5', 5_432, 'allow'],
    ['a connector', '10.2.0.5', 3_307, 'allow'],
    ['a cache', '10.2.0.6', 6_379, 'allow'],
    ['a node of the cache', '10.2.0.6', 11_001, 'allow'],
    ['a shell beside a database', '10.2.0.5', 22, 'deny'],
    ['the proxies', '10.2.4.9', 443, 'deny'],
    ['what the setting allows', '203.0.113.9', 8_443, 'allow'],
    ['its neighbour', '203.0.114.1', 443, 'deny'],
    ['the internet', '93.184.216.34', 443, 'deny'],
    ['public DNS', '8.8.8.8', 53, 'deny'],
  ])('%s', (_, address, port, action) => {
    expect(verdict(environment, { direction: 'EGRESS', address, port })).toBe(action);
  });

  test('is denied with a record of it', () => {
    const rule = judge(firewallRules(environment), { direction: 'EGRESS', address: '93.184.216.34', port: 443 });
    expect(rule).toMatchObject({ name: 'deny-egress', logged: true, nodesOnly: false });
  });

  test('is not denied when hardening is loosened, and then only', () => {
    const loose = environmentFor({ tier: 'dev', settings: { hardening: { 'network.denyEgress': false } } });
    expect(verdict(loose, { direction: 'EGRESS', address: '93.184.216.34', port: 443 })).toBeNull();
  });

  test('an identity provider is allowed by its name and port', () => {
    const rules = firewallRules(
      environmentFor({ tier: 'dev', settings: { oidc: { issuer: 'https://id.example.com:8443/x', audience: 'iot' } } }),
    );
    expect(rules.find(({ name }) => name === 'identity-provider')).toMatchObject({
      names: ['id.example.com'],
      layer4: [{ protocol: 'tcp', ports: ['8443'] }],
      action: 'allow',
    });
    expect(firewallRules(environment).some(({ name }) => name === 'identity-provider')).toBe(false);
  });
});

describe('what comes in', () => {
  const environment = environmentFor({ tier: 'prod' });
  test.each<[string, Packet, 'allow' | 'deny']>([
    ['a device', { direction: 'INGRESS', address: '198.51.100.7', port: 8_883 }, 'allow'],
    [
      'a device at a machine that is no node',
      { direction: 'INGRESS', address: '198.51.100.7', port: 8_883, node: false },
      'deny',
    ],
    ['a device without TLS', { direction: 'INGRESS', address: '198.51.100.7', port: 1_883 }, 'deny'],
    ['a shell', { direction: 'INGRESS', address: '198.51.100.7', port: 22 }, 'deny'],
    ['a stranger at the API', { direction: 'INGRESS', address: '198.51.100.7', port: 8_080 }, 'deny'],
    ['the proxy of people', { direction: 'INGRESS', address: '130.211.0.9', port: 8_080 }, 'allow'],
    ['its probe', { direction: 'INGRESS', address: '35.191.0.9', port: 9_090 }, 'allow'],
    ['a regional proxy', { direction: 'INGRESS', address: '10.2.4.9', port: 8_080 }, 'allow'],
    [
      'the probe of the pass-through balancer',
      { direction: 'INGRESS', address: '209.85.152.9', port: 31_234 },
      'allow',
    ],
    ['that probe elsewhere', { direction: 'INGRESS', address: '209.85.152.9', port: 22 }, 'deny'],
  ])('%s', (_, packet, action) => {
    expect(verdict(environment, packet)).toBe(action);
  });
});

test.each(tierNames)('rules of %s: one priority each, and both denials after all others', (tier) => {
  const rules = firewallRules(environmentFor({ tier, settings: { egressAllow: ['203.0.113.0/24'] } }));
  const priorities = rules.map(({ priority }) => priority);
  expect(new Set(priorities).size).toBe(priorities.length);
  const denials = rules.filter(({ action }) => action === 'deny');
  expect(denials.map(({ direction }) => direction).sort()).toEqual(['EGRESS', 'INGRESS']);
  for (const denial of denials)
    for (const rule of rules.filter(({ action }) => action === 'allow'))
      expect(rule.priority).toBeLessThan(denial.priority);
});

test('whatever is allowed beside: nothing outside the listed ranges gets out', () => {
  const octet = fc.nat(255);
  const cidr = fc.tuple(octet, octet, octet, fc.integer({ min: 8, max: 32 })).map(([a, b, c, length]) => {
    const size = 2 ** (32 - length);
    const base = Math.floor(bits(`${a}.${b}.${c}.0`) / size) * size;
    return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.')}/${length}`;
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(cidr, { maxLength: 5 }),
      fc.tuple(octet, octet, octet, octet),
      fc.integer({ min: 1, max: 65_535 }),
      (egressAllow, parts, port) => {
        const environment = environmentFor({ tier: 'dev', settings: { egressAllow } });
        const { nodes, pods, services, privateServices } = environment.plan.addresses;
        const address = parts.join('.');
        const listed = [...egressAllow, nodes, pods, services, privateServices, '199.36.153.4/30'];
        const action = verdict(environment, { direction: 'EGRESS', address, port });
        if (!listed.some((range) => inRange(address, range))) expect(action).toBe('deny');
        if (egressAllow.some((range) => inRange(address, range))) expect(action).toBe('allow');
      },
    ),
    { numRuns: 300 },
  );
});
