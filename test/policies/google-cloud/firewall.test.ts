import { describe, expect, test } from 'vitest';
import { judgeResource } from '../../../policies/framework/judge.ts';
import type { ResourcePolicy } from '../../../policies/framework/policy.ts';
import { firewallPolicies } from '../../../policies/google-cloud/firewall.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { fixture, type Proof, prove } from '../support/prove.ts';

/** The blueprint's door for devices: the world, on 8883 alone. */
const mqtt = { type: 'gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule', name: 'firewall-mqtt' };
const layers = 'match.layer4Configs';
const sources = 'match.srcIpRanges';
const tcp = (...ports: string[]) => ({ [layers]: [{ ipProtocol: 'tcp', ports }] });

/** Each of the ports, alone, in a range, from every address and from the world in pieces. */
const closed = (policy: string, ports: readonly number[]): Proof => ({
  policy,
  on: mqtt,
  at: layers,
  broken: [
    ...ports.map((port) => ({ set: tcp(`${port}`) })),
    { set: tcp('8883', `${ports[0]}-${ports[0]}`) },
    { set: { ...tcp(`${ports[0]}`), [sources]: ['128.0.0.0/1', '0.0.0.0/1'] } },
    { set: { ...tcp(`${ports[0]}`), [sources]: ['::/0'] } },
    { set: { ...tcp(`${ports[0]}`), [sources]: undefined } },
  ],
  fine: [
    { set: { ...tcp(`${ports[0]}`), [sources]: ['35.235.240.0/20'] } },
    { set: { ...tcp(`${ports[0]}`), direction: 'EGRESS' } },
    { set: { ...tcp(`${ports[0]}`), action: 'deny' } },
    { set: { ...tcp(`${ports[0]}`), disabled: true } },
    { set: { ...tcp(`${ports[0]}`), [sources]: undefined, 'match.srcSecureTags': [{ name: 'tagValues/1' }] } },
    { value: [{ ipProtocol: 'udp', ports: [`${ports[0]}`] }] },
  ],
  // No layer at all: the API refuses such a rule, and nothing is open.
  absent: 'passes',
  along: ['fw-no-world-ingress'],
});

prove(firewallPolicies, googleCloud.policies, [
  closed('fw-no-world-ssh', [22]),
  closed('fw-no-world-rdp', [3389]),
  closed('fw-no-world-data-ports', [5432, 6379, 3306, 27017, 9092]),
  closed('fw-no-world-plaintext', [1883, 80, 23, 21]),
  {
    policy: 'fw-no-world-ingress',
    on: mqtt,
    at: sources,
    given: { ...tcp('9443'), [sources]: ['203.0.113.0/24'] },
    broken: [{ value: ['0.0.0.0/0'] }, { value: ['*'] }, { value: ['203.0.113.0/24', '0.0.0.0/1'] }],
    fine: [{ set: { ...tcp('443', '8883'), [sources]: ['0.0.0.0/0'] } }],
    absent: 'fires',
  },
  {
    policy: 'fw-no-all-ports',
    along: ['fw-no-wide-port-range'],
    on: mqtt,
    given: { [sources]: ['203.0.113.0/24'] },
    at: layers,
    broken: [
      { value: [{ ipProtocol: 'all' }] },
      { value: [{ ipProtocol: 'tcp' }] },
      { value: [{ ipProtocol: 'udp', ports: ['0-65535'] }] },
    ],
    fine: [{ value: [{ ipProtocol: 'icmp' }] }, { set: { direction: 'EGRESS', [layers]: [{ ipProtocol: 'all' }] } }],
    absent: 'passes',
  },
]);

describe("a VPC's own rule, which spells everything differently", () => {
  const rule = (props: object) =>
    fixture('gcp:compute/firewall:Firewall', {
      network: 'n',
      sourceRanges: ['0.0.0.0/0'],
      allows: [{ protocol: 'tcp', ports: ['20-25'] }],
      ...props,
    });
  const ssh = firewallPolicies.find(({ id }) => id === 'fw-no-world-ssh') as ResourcePolicy;

  test.each([
    [{}, 1],
    [{ sourceRanges: undefined }, 1],
    [{ allows: [{ protocol: 'all' }] }, 1],
    [{ sourceRanges: undefined, sourceTags: ['bastion'] }, 0],
    [{ direction: 'EGRESS' }, 0],
    [{ disabled: true }, 0],
    [{ allows: undefined, denies: [{ protocol: 'all' }] }, 0],
    [{ sourceRanges: ['10.0.0.0/8'] }, 0],
  ])('%j: %i violations of SSH', (props, violations) => {
    expect(judgeResource(ssh, rule(props))?.violations).toHaveLength(violations);
  });
});
