import { notKnownYet } from '../../../policies/framework/testing.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { storePolicies } from '../../../policies/platform/stores.ts';
import { prove } from '../support/prove.ts';
import { adding, both, edit, literal, without } from './changes.ts';

const rule = 'networkFirewallPolicyRule';
const https = 'network-firewall-https';
const classic = 'gcp:compute/firewall:Firewall';
const forwarding = 'gcp:compute/forwardingRule:ForwardingRule';
const instance = 'sql/databaseInstance';
const ip = 'settings.ipConfiguration';
const consumer = `${ip}.pscConfigs[0].pscAutoConnections[0].consumerNetwork`;
const connection = 'gcp:servicenetworking/connection:Connection';
const postgres = [{ ipProtocol: 'tcp', ports: ['5432'] }];

prove(storePolicies, platform.policies, [
  {
    policy: 'stack-no-public-path-to-database',
    broken: {
      'the internet in two halves': edit(rule, https, {
        'match.srcIpRanges': ['0.0.0.0/1', '128.0.0.0/1'],
        'match.layer4Configs': postgres,
      }),
      'every protocol': edit(rule, https, {
        'match.srcIpRanges': ['::/0'],
        'match.layer4Configs': [{ ipProtocol: 'all' }],
      }),
      'a range of ports around it': edit(rule, https, {
        'match.srcIpRanges': ['0.0.0.0/0'],
        'match.layer4Configs': [{ ipProtocol: 'tcp', ports: ['443', '6000-7000'] }],
      }),
      'a classic rule that names no source': adding(classic, { allows: [{ protocol: 'tcp', ports: ['6379'] }] }),
      'a forwarding rule': adding(forwarding, { loadBalancingScheme: 'EXTERNAL', portRange: '5000-6000' }),
      'a load balancer of a Service, by the port behind it': edit('core/v1:Service', 'workloads-edge-address', {
        'spec.ports[0].targetPort': 5432,
      }),
    },
    fine: {
      'a range of our own': edit(rule, https, { 'match.srcIpRanges': ['10.0.0.0/8'], 'match.layer4Configs': postgres }),
      'a rule that is off': edit(rule, https, {
        disabled: true,
        'match.srcIpRanges': ['0.0.0.0/0'],
        'match.layer4Configs': postgres,
      }),
      'a source by tag': adding(classic, { allows: [{ protocol: 'tcp', ports: ['5432'] }], sourceTags: ['web'] }),
      'an endpoint of Private Service Connect': adding(forwarding, {
        loadBalancingScheme: '',
        target: 'projects/p/regions/r/serviceAttachments/a',
      }),
    },
    unknown: edit(rule, https, { 'match.srcIpRanges': notKnownYet, 'match.layer4Configs': postgres }),
    absent: both(
      without(instance),
      without('memorystore/instance'),
      adding(classic, { allows: [{ protocol: 'tcp', ports: ['6379'] }] }),
    ),
    absentIs: 'passes',
  },
  {
    policy: 'stack-database-network-is-stack-vpc',
    broken: {
      'a network of somebody else': literal(instance, 'core', { [consumer]: 'projects/p/global/networks/default' }),
      'no policy for its endpoints': without('serviceConnectionPolicy', 'sql'),
      'the cluster is in another network': literal('container/cluster:', '', { network: 'other' }),
      'a cache without an endpoint': literal('memorystore/instance', '', { desiredAutoCreatedEndpoints: undefined }),
      'private services access that nothing sets up': edit(instance, 'core', { [`${ip}.privateNetwork`]: notKnownYet }),
    },
    fine: {
      'the name of the network': literal(instance, 'core', { [consumer]: 'projects/iot-prod-1/global/networks/prod' }),
      'private services access that it waits for': both(
        edit(instance, 'core', { [`${ip}.privateNetwork`]: notKnownYet }),
        adding(connection, { network: 'projects/iot-prod-1/global/networks/prod' }),
        (resources) =>
          resources.map((each) =>
            each.name.includes('core')
              ? { ...each, dependencies: [`urn:pulumi:test::test::${connection}::fixture`] }
              : each,
          ),
      ),
    },
    unknown: literal(instance, 'core', { [consumer]: notKnownYet }),
    absent: literal(instance, 'core', { [ip]: undefined }),
    absentIs: 'fires',
  },
]);
