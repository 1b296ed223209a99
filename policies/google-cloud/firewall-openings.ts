import { type Answer, all, any, no, unknown, when, yes } from '../framework/answer.ts';
import type { Subject } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { isWorld } from './cidr.ts';

/** Rules of a VPC's own, of network policies and of an organisation's policies: one question, two spellings. */
export const firewallRules = [
  'gcp:compute/firewall:Firewall',
  'gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule',
  'gcp:compute/regionNetworkFirewallPolicyRule:RegionNetworkFirewallPolicyRule',
  'gcp:compute/firewallPolicyRule:FirewallPolicyRule',
] as const;

type Rule = Pick<Subject, 'type' | 'at'>;
const isClassic = ({ type }: Rule) => type === firewallRules[0];

/** Where sources are named; what a violation points at. */
export const sourcePath = (rule: Rule): string => (isClassic(rule) ? 'sourceRanges' : 'match.srcIpRanges');

/** Whether the rule lets something in, and is on. */
export const letsIn = (rule: Rule): Answer =>
  all([
    rule.at('disabled').isNot(true),
    // INGRESS is what a rule without direction is: https://cloud.google.com/firewall/docs/firewalls
    rule.at('direction').orElse('INGRESS').is('INGRESS'),
    isClassic(rule) ? rule.at('allows').isFilled() : rule.at('action').is('allow', 'apply_security_profile_group'),
  ]);

const otherSources = {
  classic: ['sourceTags', 'sourceServiceAccounts'],
  policy: ['srcSecureTags', 'srcAddressGroups', 'srcFqdns', 'srcRegionCodes', 'srcThreatIntelligences'].map(
    (name) => `match.${name}`,
  ),
};

/** Whether the sources are the world, whole or in pieces. A rule without any source is open to all. */
export function fromWorld(rule: Rule): Answer {
  const ranges = rule.at(sourcePath(rule));
  if (ranges.state === 'unknown') return unknown(ranges.path);
  const others = any(
    (isClassic(rule) ? otherSources.classic : otherSources.policy).map((path) => rule.at(path).isFilled()),
  );
  if (ranges.items().length === 0) return others.is === 'yes' ? no(ranges.path) : yes;
  const items = ranges.items();
  if (isWorld(items.map((each) => each.value))) return yes;
  const hole = items.find((each) => each.state === 'unknown');
  return hole === undefined ? no(ranges.path) : unknown(hole.path);
}

type Layer = { readonly protocol: Reading; readonly ports: Reading };

const layersOf = (rule: Rule): readonly Layer[] =>
  rule
    .at(isClassic(rule) ? 'allows' : 'match.layer4Configs')
    .items()
    .map((each) => ({ protocol: each.at(isClassic(rule) ? 'protocol' : 'ipProtocol'), ports: each.at('ports') }));

/** Asked of each thing that the rule lets through; a list that is not known yet answers for all of them. */
function layers(rule: Rule, question: (layer: Layer) => Answer, combine: (answers: Answer[]) => Answer): Answer {
  const list = rule.at(isClassic(rule) ? 'allows' : 'match.layer4Configs');
  return list.state === 'unknown' ? unknown(list.path) : combine(layersOf(rule).map(question));
}

/** Whether any of these TCP ports is let through. Of a rule without ports, every one is. */
export const opensTcp = (rule: Rule, ports: readonly number[]): Answer =>
  layers(
    rule,
    ({ protocol, ports: open }) =>
      all([
        protocol.test((name) => ['tcp', '6', 'all'].includes(String(name).toLowerCase())),
        any([open.isAbsent(), open.some((each) => each.test((text) => ports.some((port) => within(port, text))))]),
      ]),
    any,
  );

/** Whether a protocol is let through on every port, or everything at all. */
export const opensAll = (rule: Rule): Answer =>
  layers(
    rule,
    ({ protocol, ports }) =>
      all([
        protocol.test((name) => ['tcp', '6', 'udp', '17', 'all'].includes(String(name).toLowerCase())),
        any([ports.isAbsent(), ports.some((each) => each.test((text) => within(1, text) && within(65_535, text)))]),
      ]),
    any,
  );

/** Whether everything let through is TCP or UDP on ports of the list. */
export const opensOnly = (rule: Rule, ports: readonly string[]): Answer =>
  layers(
    rule,
    ({ protocol, ports: open }) =>
      all([
        protocol.test((name) => ['tcp', '6', 'udp', '17'].includes(String(name).toLowerCase())),
        open.isFilled(),
        open.every((each) => each.test((text) => ports.includes(String(text)))),
      ]),
    all,
  );

/** A rule that lets the world in may not do this. @param is of the question `bad`. */
export const notFromWorld = (rule: Rule, bad: Answer): Answer =>
  when(all([letsIn(rule), fromWorld(rule)]), () => {
    if (bad.is === 'yes') return no(sourcePath(rule));
    return bad.is === 'no' ? yes : bad;
  });

function within(port: number, text: unknown): boolean {
  const [from = Number.NaN, to = from] = String(text).split('-').map(Number);
  return port >= from && port <= to;
}
