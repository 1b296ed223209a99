import { type Answer, all, any, no, when, yes } from '../framework/answer.ts';
import { type Finding, type Policy, resourcePolicy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { named, refersTo } from '../framework/relations.ts';
import type { Resource, Stack } from '../framework/stack.ts';

const forwardingRules = [
  'gcp:compute/globalForwardingRule:GlobalForwardingRule',
  'gcp:compute/forwardingRule:ForwardingRule',
];
const httpProxies = [
  'gcp:compute/targetHttpProxy:TargetHttpProxy',
  'gcp:compute/regionTargetHttpProxy:RegionTargetHttpProxy',
];
const urlMaps = ['gcp:compute/uRLMap:URLMap', 'gcp:compute/regionUrlMap:RegionUrlMap'];
const securityPolicy = 'gcp:compute/securityPolicy:SecurityPolicy';
/** FTP, Telnet, HTTP, MQTT and AMQP without TLS. */
const plaintext = [20, 21, 23, 80, 1883, 5672];

/** Load balancers that the internet reaches. */
export const loadBalancingPolicies: readonly Policy[] = [
  stackPolicy({
    id: 'lb-no-http',
    description:
      'What the internet reaches through a load balancer is encrypted: port 80 and proxies for HTTP only send to HTTPS.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Point the forwarding rule at a TargetHttpsProxy, or at an HTTP one whose URL map has defaultUrlRedirect.httpsRedirect and serves nothing.',
    url: 'https://cloud.google.com/load-balancing/docs/https/setting-up-http-https-redirect',
    references: { checkov: ['CKV2_GCP_37', 'CKV2_GCP_38'] },
    judge: (stack) =>
      stack.ofType(...forwardingRules).map((rule): Finding => ({ urn: rule.urn, answer: encrypted(stack, rule) })),
  }),
  resourcePolicy({
    id: 'lb-backend-logging',
    description: 'Requests from the internet leave a line, and pass a firewall for requests.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Set logConfig.enable to true and securityPolicy to a policy of Cloud Armor.',
    url: 'https://cloud.google.com/load-balancing/docs/https/https-logging-monitoring',
    references: { 'cis-gcp-4': ['2.16'], 'cis-gcp-5': ['2.17'] },
    types: ['gcp:compute/backendService:BackendService', 'gcp:compute/regionBackendService:RegionBackendService'],
    judge: ({ type, at }) =>
      // A regional one is internal where nothing is said. https://cloud.google.com/compute/docs/reference/rest/v1/regionBackendServices
      when(external(at('loadBalancingScheme').orElse(type.includes('region') ? 'INTERNAL' : 'EXTERNAL')), () =>
        all([at('logConfig.enable').is(true), at('securityPolicy').isFilled()]),
      ),
  }),
  stackPolicy({
    id: 'armor-preconfigured-rules',
    description: 'A firewall for requests refuses the known attacks, by rules that Google keeps.',
    severity: 'medium',
    level: 'advisory',
    remediation:
      "Add rules that deny evaluatePreconfiguredWaf('…') for each name of the setting rules (add cve for what runs on Java), without preview.",
    url: 'https://cloud.google.com/armor/docs/waf-rules',
    references: { checkov: ['CKV_GCP_73'] },
    settings: {
      rules: { default: ['sqli', 'xss', 'rce'], description: 'Beginnings of the names of preconfigured rules.' },
    },
    judge: (stack, { rules }) =>
      stack
        .ofType(securityPolicy)
        .filter((policy) => policy.at('type').orElse('CLOUD_ARMOR').is('CLOUD_ARMOR').is !== 'no')
        .map((policy): Finding => ({ urn: policy.urn, answer: refuses(stack, policy, rules) })),
  }),
  resourcePolicy({
    id: 'cert-managed',
    description:
      'A certificate of a load balancer is renewed by Google: nobody has to remember, and nobody has its key.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Use gcp.certificatemanager.Certificate with managed (issuanceConfig for your own CA).',
    url: 'https://cloud.google.com/certificate-manager/docs/certificates',
    references: { 'cis-gke': ['5.6.7'] },
    types: [
      'gcp:certificatemanager/certificate:Certificate',
      'gcp:compute/sSLCertificate:SSLCertificate',
      'gcp:compute/regionSslCertificate:RegionSslCertificate',
      'gcp:compute/managedSslCertificate:ManagedSslCertificate',
    ],
    judge: ({ type, at }) =>
      /certificatemanager|managedSsl/.test(type)
        ? all([at('managed').exists(), at('selfManaged').isAbsent()])
        : no('privateKey'),
  }),
];

const external = (scheme: Reading): Answer => scheme.matches(/^EXTERNAL/);

function encrypted(stack: Stack, rule: Resource): Answer {
  return when(external(rule.at('loadBalancingScheme').orElse('EXTERNAL')), () => {
    const proxies = stack.ofType(...httpProxies).map((proxy) => ({ proxy, is: refersTo(rule, 'target', proxy) }));
    const proxy = proxies.find(({ is }) => is.is === 'yes')?.proxy;
    if (proxy !== undefined) return named(redirects(stack, proxy), `target ${proxy.name} serves HTTP`);
    const target = rule.at('target');
    // An HTTP proxy of another stack: nobody here can tell what it does.
    if (target.matches(/\/targetHttpProxies\//).is === 'yes') return no('target');
    if (target.state === 'unknown' && rule.sourcesOf('target').length === 0) return target.exists();
    if (rule.sourcesOf('target').some(({ type }) => /Https|Ssl/.test(type))) return yes;
    return all([
      rule.at('allPorts').isNot(true),
      rule.at('portRange').state === 'absent' ? yes : closed(rule.at('portRange')),
      rule.at('ports').every(closed),
    ]);
  });
}

const closed = (ports: Reading): Answer =>
  ports.test((text) => {
    const [from = Number.NaN, to = from] = String(text).split('-').map(Number);
    return !plaintext.some((port) => from <= port && port <= to);
  });

/** A URL map that does nothing but send to HTTPS. */
const redirects = (stack: Stack, proxy: Resource): Answer =>
  any(
    stack
      .ofType(...urlMaps)
      .map((map) =>
        all([
          refersTo(proxy, 'urlMap', map),
          map.at('defaultUrlRedirect.httpsRedirect').is(true),
          map.at('defaultService').isAbsent(),
          map
            .at('pathMatchers')
            .every((matcher) =>
              all([
                matcher.at('defaultUrlRedirect.httpsRedirect').is(true),
                matcher.at('pathRules').every((path) => path.at('urlRedirect.httpsRedirect').is(true)),
                matcher.at('routeRules').every((route) => route.at('urlRedirect.httpsRedirect').is(true)),
              ]),
            ),
        ]),
      ),
  );

/** Each wanted rule is denied by one of the policy, written inside of it or as a resource of its own. */
function refuses(stack: Stack, policy: Resource, wanted: readonly string[]): Answer {
  const own = policy.at('rules');
  const apart = stack
    .ofType('gcp:compute/securityPolicyRule:SecurityPolicyRule')
    .map((rule) => ({ rule: rule.at(''), of: refersTo(rule, 'securityPolicy', policy) }));
  const denies = (rule: Reading, name: string): Answer =>
    all([
      rule.at('action').matches(/^deny/),
      rule.at('preview').isNot(true),
      rule.at('match.expr.expression').matches(new RegExp(`evaluatePreconfigured(Waf|Expr)\\('${name}-`)),
    ]);
  return all(
    wanted.map((name) =>
      named(
        any([own.some((rule) => denies(rule, name)), ...apart.map(({ rule, of }) => all([of, denies(rule, name)]))]),
        `no rule denies ${name}`,
      ),
    ),
  );
}
