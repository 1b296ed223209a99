import { notKnownYet } from '../../../policies/framework/testing.ts';
import { firewallShapePolicies } from '../../../policies/google-cloud/firewall-shape.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { adding, both, edit, literal, without } from '../platform/changes.ts';
import { fixture, prove } from '../support/prove.ts';

const rule = 'gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule';
const classic = 'gcp:compute/firewall:Firewall';
const on = { type: rule, name: 'network-firewall-mqtt' };
const ports = 'match.layer4Configs[0].ports';
const narrow = { 'match.srcIpRanges': ['10.0.0.0/8'] };
const letsIn = {
  network: 'prod',
  allows: [{ protocol: 'tcp', ports: ['8080'] }],
  sourceRanges: ['10.0.0.0/8'],
  logConfig: { metadata: 'INCLUDE_ALL_METADATA' },
  targetTags: ['web'],
};
const classicRule = (more: object) => ({ resource: fixture(classic, { ...letsIn, ...more }) });
const denies = 'network-firewall-deny-egress';
const association = 'networkFirewallPolicyAssociation';

prove(firewallShapePolicies, googleCloud.policies, [
  {
    policy: 'fw-no-wide-port-range',
    on,
    given: narrow,
    at: ports,
    broken: [{ value: ['443', '8000-8100'] }, classicRule({ allows: [{ protocol: 'tcp', ports: ['1-200'] }] })],
    fine: [{ value: ['8000-8099'] }, { set: { action: 'deny', [ports]: ['1-65535'] } }],
    absent: 'passes',
  },
  {
    policy: 'fw-explicit-target',
    on,
    at: 'targetSecureTags',
    broken: [{ value: [] }, classicRule({ targetTags: undefined })],
    fine: [
      { set: { targetSecureTags: undefined, targetServiceAccounts: ['a@p.iam.gserviceaccount.com'] } },
      { set: { action: 'deny', targetSecureTags: undefined } },
    ],
    unknown: 'passes',
    absent: 'fires',
  },
  {
    policy: 'fw-logging',
    on,
    given: { enableLogging: true },
    at: 'enableLogging',
    broken: [{ value: false }, classicRule({ logConfig: undefined })],
    fine: [{ set: { direction: 'EGRESS', enableLogging: undefined } }],
    absent: 'fires',
  },
  {
    policy: 'fw-egress-default-deny',
    broken: {
      'no such rule': without(rule, denies),
      'a rule that is off': edit(rule, denies, { disabled: true }),
      'a rule for a part': edit(rule, denies, { 'match.destIpRanges': ['10.0.0.0/8'] }),
      'a policy of another network': literal(association, '', { attachmentTarget: 'projects/p/global/networks/other' }),
      'another policy': literal(association, '', { firewallPolicy: 'other' }),
      'everything may leave': adding(rule, {
        firewallPolicy: 'prod-firewall',
        action: 'allow',
        direction: 'EGRESS',
        match: { destIpRanges: ['0.0.0.0/0'], layer4Configs: [{ ipProtocol: 'all' }] },
      }),
      'a port that is not listed': adding(classic, {
        network: 'prod',
        direction: 'EGRESS',
        allows: [{ protocol: 'tcp', ports: ['25'] }],
      }),
    },
    fine: {
      'a classic rule that denies': both(
        without(rule, denies),
        adding(classic, {
          network: 'prod',
          direction: 'EGRESS',
          denies: [{ protocol: 'all' }],
          destinationRanges: ['0.0.0.0/0'],
        }),
      ),
      'a listed port of the internet': adding(classic, {
        network: 'prod',
        direction: 'EGRESS',
        allows: [{ protocol: 'tcp', ports: ['443'] }],
      }),
    },
    unknown: edit(rule, denies, { 'match.destIpRanges': notKnownYet }),
    absent: edit(rule, denies, { 'match.layer4Configs': undefined }),
    absentIs: 'fires',
  },
]);
