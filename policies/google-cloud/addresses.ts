import { type Answer, all, any, no, unknown, when, yes } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { named, refersTo } from '../framework/relations.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { type Range, rangeOf } from './cidr.ts';

const subnetwork = 'gcp:compute/subnetwork:Subnetwork';
const addresses = ['gcp:compute/address:Address', 'gcp:compute/globalAddress:GlobalAddress'];
/** What may hold an address of the internet: load balancers, NAT. Objects of Kubernetes name it in texts. */
const holders = /^gcp:compute\/(forwardingRule|globalForwardingRule|routerNat|routerNatAddress|externalVpnGateway):/;
const namers = /^kubernetes:[^:]+:(Service|Gateway|Ingress)$/;

/** Addresses: which face the internet, and which networks are cut from. */
export const addressPolicies: readonly Policy[] = [
  stackPolicy({
    id: 'addr-no-unapproved-external',
    description:
      'An address of the internet belongs to a load balancer or to NAT, and no machine has one of its own: what it is for can be seen.',
    severity: 'medium',
    level: 'mandatory',
    remediation:
      'Use the address in a forwarding rule, NAT, Gateway or Service of this stack, or label it purpose: ingress or nat; take accessConfigs off machines.',
    url: 'https://cloud.google.com/compute/docs/ip-addresses/reserve-static-external-ip-address',
    references: { 'cis-gcp-4': ['4.9'], 'cis-gcp-5': ['4.9'], checkov: ['CKV_GCP_40'], trivy: ['GCP-0031'] },
    settings: {
      purposes: { default: ['ingress', 'nat'], description: 'Values of the label purpose that are allowed.' },
    },
    judge: function* (stack, { purposes }): Iterable<Finding> {
      for (const address of stack.ofType(...addresses))
        yield {
          urn: address.urn,
          answer: when(address.at('addressType').orElse('EXTERNAL').is('EXTERNAL'), () =>
            named(
              any([address.at('labels.purpose').is(...purposes), held(stack, address)]),
              'labels.purpose, and no load balancer or NAT of this stack holds it',
            ),
          ),
        };
      for (const machine of stack.ofType(/^gcp:compute\/(instance|instanceTemplate|regionInstanceTemplate):/))
        yield {
          urn: machine.urn,
          answer: machine
            .at('networkInterfaces')
            .every((each) => each.at('accessConfigs').every(({ path }) => no(path))),
        };
    },
  }),
  stackPolicy({
    id: 'net-subnet-range-sane',
    description: 'Subnets have private ranges that do not overlap within their network, those of pods included.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Choose ranges of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10 that nobody else has.',
    url: 'https://cloud.google.com/vpc/docs/subnets#ipv4-ranges',
    references: {},
    judge: (stack) => {
      const all = stack.ofType(subnetwork).flatMap((subnet) => rangesOf(subnet).map((place) => ({ subnet, place })));
      return all.map(({ subnet, place }, index): Finding => {
        const others = all.slice(0, index).filter((other) => sameNetwork(stack, other.subnet, subnet));
        return {
          urn: subnet.urn,
          answer: place.test((text) => {
            const range = rangeOf(text);
            if (range === null || !isPrivate(range)) return false;
            return !others.some((other) => {
              const there = rangeOf(other.place.value);
              return there !== null && overlap(range, there);
            });
          }),
        };
      });
    },
  }),
];

/** Something that may hold addresses takes it: it flows there, or its name stands there. */
function held(stack: Stack, address: Resource): Answer {
  if (stack.dependentsOf(address).some(({ type }) => holders.test(type))) return yes;
  const name = address.at('name');
  const texts = stack.ofType(namers).flatMap((object) => [
    ...object
      .at('metadata.annotations')
      .entries()
      .map(([, each]) => each),
    ...object
      .at('spec.addresses')
      .items()
      .map((each) => each.at('value')),
    object.at('spec.loadBalancerIP'),
  ]);
  if (stack.dependentsOf(address).some(({ type }) => namers.test(type))) return yes;
  if (name.state !== 'known') return unknown(name.path);
  return any(texts.map((text) => (text.state === 'absent' ? no(text.path) : text.is(name.value))));
}

const rangesOf = (subnet: Resource): readonly Reading[] =>
  [
    subnet.at('ipCidrRange'),
    ...subnet
      .at('secondaryIpRanges')
      .items()
      .map((each) => each.at('ipCidrRange')),
  ].filter(({ state }) => state !== 'absent');

/** In doubt they are in different ones: an overlap that is none would be worse here. */
const sameNetwork = (stack: Stack, one: Resource, other: Resource): boolean =>
  stack
    .ofType('gcp:compute/network:Network')
    .some(
      (network) => refersTo(one, 'network', network).is === 'yes' && refersTo(other, 'network', network).is === 'yes',
    ) || all([one.at('network').exists(), one.at('network').is(other.at('network').value)]).is === 'yes';

const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '240.0.0.0/4']
  .map(rangeOf)
  .filter((range): range is Range => range !== null);
const isPrivate = (range: Range): boolean =>
  privateRanges.some((each) => each.prefix <= range.prefix && overlap(each, range));

function overlap(a: Range, b: Range): boolean {
  if (a.family !== b.family) return false;
  const bits = BigInt((a.family === 4 ? 32 : 128) - Math.min(a.prefix, b.prefix));
  return a.start >> bits === b.start >> bits;
}
