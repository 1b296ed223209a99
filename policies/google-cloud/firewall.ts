import { not, when } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';
import { firewallRules, letsIn, notFromWorld, opensAll, opensOnly, opensTcp } from './firewall-openings.ts';

const url = 'https://cloud.google.com/firewall/docs/firewalls';
/** PostgreSQL, MySQL, SQL Server, Oracle, Redis, Memcached, MongoDB, Cassandra, Elasticsearch, Kafka, etcd. */
const dataPorts = [5432, 3306, 1433, 1521, 6379, 11211, 27017, 9042, 9200, 9300, 9092, 2379];
/** FTP, Telnet, HTTP, MQTT and AMQP without TLS. */
const plaintextPorts = [20, 21, 23, 80, 1883, 5672];

/** What the world may reach. The world cut into pieces is the world. */
export const firewallPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'fw-no-world-ssh',
    description: 'Nobody reaches SSH from the internet; people come in through Identity-Aware Proxy.',
    severity: 'critical',
    level: 'mandatory',
    remediation: 'Name 35.235.240.0/20 (Identity-Aware Proxy) as the source, or remove port 22.',
    url: 'https://cloud.google.com/iap/docs/using-tcp-forwarding',
    references: { 'cis-gcp-4': ['3.6'], 'cis-gcp-5': ['3.6'], checkov: ['CKV_GCP_2'], trivy: ['GCP-0071'] },
    types: firewallRules,
    judge: (rule) => notFromWorld(rule, opensTcp(rule, [22])),
  }),
  resourcePolicy({
    id: 'fw-no-world-rdp',
    description: 'Nobody reaches remote desktops from the internet; people come in through Identity-Aware Proxy.',
    severity: 'critical',
    level: 'mandatory',
    remediation: 'Name 35.235.240.0/20 (Identity-Aware Proxy) as the source, or remove port 3389.',
    url: 'https://cloud.google.com/iap/docs/using-tcp-forwarding',
    references: { 'cis-gcp-4': ['3.7'], 'cis-gcp-5': ['3.7'], checkov: ['CKV_GCP_3'], trivy: ['GCP-0070'] },
    types: firewallRules,
    judge: (rule) => notFromWorld(rule, opensTcp(rule, [3389])),
  }),
  resourcePolicy({
    id: 'fw-no-world-data-ports',
    description: 'No database, cache or message broker of the data side is reached from the internet.',
    severity: 'critical',
    level: 'mandatory',
    remediation: 'Name the ranges or service accounts that use the store as sources.',
    url,
    references: { checkov: ['CKV_GCP_88'] },
    types: firewallRules,
    judge: (rule) => notFromWorld(rule, opensTcp(rule, dataPorts)),
  }),
  resourcePolicy({
    id: 'fw-no-world-plaintext',
    description: 'No protocol without encryption is reached from the internet: FTP, Telnet, HTTP, plain MQTT and AMQP.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Offer the protocol over TLS (443, 8883, 5671) and remove the plain port.',
    url,
    references: { checkov: ['CKV_GCP_75', 'CKV_GCP_77', 'CKV_GCP_106'] },
    types: firewallRules,
    judge: (rule) => notFromWorld(rule, opensTcp(rule, plaintextPorts)),
  }),
  resourcePolicy({
    id: 'fw-no-world-ingress',
    description: 'The internet reaches the listed ports of a network and no other.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Narrow the sources, or add the port to this policy’s allowedPorts after review.',
    url,
    references: { 'cis-gcp-4': ['3.10'], trivy: ['GCP-0027'] },
    types: firewallRules,
    settings: { allowedPorts: { default: ['443', '8883'], description: 'ports that the internet may reach' } },
    judge: (rule) => notFromWorld(rule, not(opensOnly(rule, rule.settings.allowedPorts))),
  }),
  resourcePolicy({
    id: 'fw-no-all-ports',
    description: 'A rule that lets traffic in names its ports: one for everything is a hole for whatever comes later.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Name the protocols and ports that the rule is for.',
    url,
    references: { checkov: ['CKV2_GCP_12'], trivy: ['GCP-0072'] },
    types: firewallRules,
    judge: (rule) => when(letsIn(rule), () => not(opensAll(rule), 'direction')),
  }),
];
