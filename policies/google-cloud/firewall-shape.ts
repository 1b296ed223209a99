import { type Answer, all, any, no, not, unknown, when, yes } from '../framework/answer.ts';
import { type Finding, type Policy, resourcePolicy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { named, refersTo, some } from '../framework/relations.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { isWorld } from './cidr.ts';
import { firewallRules, letsIn } from './firewall-openings.ts';

const url = 'https://cloud.google.com/firewall/docs/firewalls';
const classic = firewallRules[0];
const policyRules = firewallRules.slice(1);

/** How rules are written, and what may leave. What may come in: firewall.ts. */
export const firewallShapePolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'fw-no-wide-port-range',
    description: 'A rule that lets traffic in names few ports: a range of thousands is a guess.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Name the ports, or narrow the range to at most the setting ports.',
    url,
    references: { trivy: ['GCP-0074'] },
    settings: { ports: { default: 100, description: 'Most ports of one range.' } },
    types: firewallRules,
    judge: (rule) => {
      const lists = rule.at(rule.type === classic ? 'allows' : 'match.layer4Configs');
      return when(letsIn(rule), () =>
        lists.every((each) =>
          each.at('ports').every((port) => port.test((text) => sizeOf(text) <= rule.settings.ports)),
        ),
      );
    },
  }),
  resourcePolicy({
    id: 'fw-explicit-target',
    description: 'A rule that lets traffic in says for which machines: without a target it is for all of the network.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Set targetServiceAccounts or targetTags (a network policy: targetSecureTags).',
    url,
    references: { 'cis-gke': ['5.6.6'] },
    types: firewallRules,
    judge: (rule) =>
      when(letsIn(rule), () =>
        any(['targetTags', 'targetServiceAccounts', 'targetSecureTags'].map((path) => rule.at(path).isFilled())),
      ),
  }),
  resourcePolicy({
    id: 'fw-logging',
    description: 'What a rule lets in or refuses leaves a line.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set logConfig (a network policy: enableLogging).',
    url: 'https://cloud.google.com/firewall/docs/firewall-rules-logging',
    references: {},
    types: firewallRules,
    judge: ({ type, at }) =>
      when(at('direction').orElse('INGRESS').is('INGRESS'), () =>
        type === classic ? at('logConfig').exists() : at('enableLogging').is(true),
      ),
  }),
  stackPolicy({
    id: 'fw-egress-default-deny',
    description:
      'What leaves a network is named: everything else is refused, so that a machine that was taken over cannot call home.',
    severity: 'medium',
    level: 'advisory',
    remediation:
      'Add a rule of direction EGRESS that denies 0.0.0.0/0 after those that allow; to the whole internet allow only ports of the setting allowedPorts.',
    url: 'https://cloud.google.com/firewall/docs/using-firewalls',
    references: { trivy: ['GCP-0035'] },
    settings: { allowedPorts: { default: ['443'], description: 'Ports of the whole internet that may be reached.' } },
    judge: function* (stack, { allowedPorts }): Iterable<Finding> {
      for (const network of stack.ofType('gcp:compute/network:Network'))
        yield { urn: network.urn, answer: named(refusesRest(stack, network), 'no rule denies the rest of its egress') };
      for (const rule of stack.ofType(...firewallRules)) yield { urn: rule.urn, answer: leaves(rule, allowedPorts) };
    },
  }),
];

function sizeOf(text: unknown): number {
  const [from = Number.NaN, to = from] = String(text).split('-').map(Number);
  return to - from + 1;
}

const refusesRest = (stack: Stack, network: Resource): Answer =>
  any([
    some(stack.ofType(classic), (rule) =>
      all([
        rule.at('direction').is('EGRESS'),
        rule.at('disabled').isNot(true),
        toWorld(rule.at('destinationRanges')),
        rule.at('denies').some((deny) => deny.at('protocol').is('all')),
        refersTo(rule, 'network', network),
      ]),
    ),
    some(stack.ofType(...policyRules), (rule) =>
      all([
        rule.at('direction').is('EGRESS'),
        rule.at('disabled').isNot(true),
        rule.at('action').is('deny'),
        toWorld(rule.at('match.destIpRanges')),
        rule.at('match.layer4Configs').some((layer) => layer.at('ipProtocol').is('all')),
        some(stack.ofType(/^gcp:compute\/\w*[fF]irewallPolicyAssociation:/), (association) =>
          all([refersTo(association, 'attachmentTarget', network), samePolicy(association, rule)]),
        ),
      ]),
    ),
  ]);

/** Both name one firewall policy: it flows into both, or its name stands in both. */
function samePolicy(association: Resource, rule: Resource): Answer {
  const [one, other] = [association, rule].map((each) => each.sourcesOf('firewallPolicy').map(({ urn }) => urn));
  if (one?.some((urn) => other?.includes(urn))) return yes;
  const name = rule.at('firewallPolicy');
  return name.state === 'unknown' ? unknown(name.path) : association.at('firewallPolicy').is(name.value);
}

/** Without ranges a rule is for every address. */
function toWorld(ranges: Reading): Answer {
  if (ranges.state === 'absent') return yes;
  return ranges.test((list) => Array.isArray(list) && isWorld(list));
}

/** An egress rule that lets out to everywhere does so on listed ports alone. */
function leaves(rule: Resource, allowed: readonly string[]): Answer {
  const isClassic = rule.type === classic;
  const list = rule.at(isClassic ? 'allows' : 'match.layer4Configs');
  const applies = all([
    rule.at('direction').is('EGRESS'),
    rule.at('disabled').isNot(true),
    isClassic ? list.isFilled() : rule.at('action').is('allow'),
    toWorld(rule.at(isClassic ? 'destinationRanges' : 'match.destIpRanges')),
  ]);
  return when(applies, () =>
    list.every((each) =>
      all([
        not(each.at(isClassic ? 'protocol' : 'ipProtocol').is('all'), each.path),
        each.at('ports').state === 'absent'
          ? no(each.at('ports').path)
          : each.at('ports').every((port) => port.test((text) => allowed.includes(String(text)))),
      ]),
    ),
  );
}
