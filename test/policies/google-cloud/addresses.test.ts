import { notKnownYet } from '../../../policies/framework/testing.ts';
import { addressPolicies } from '../../../policies/google-cloud/addresses.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { adding, both, edit, literal } from '../platform/changes.ts';
import { prove } from '../support/prove.ts';

const address = 'gcp:compute/address:Address';
const machine = 'gcp:compute/instance:Instance';
const subnet = 'compute/subnetwork';
const forwarding = 'gcp:compute/forwardingRule:ForwardingRule';
const urn = `urn:pulumi:test::test::${address}::fixture`;

prove(addressPolicies, googleCloud.policies, [
  {
    policy: 'addr-no-unapproved-external',
    broken: {
      'an address of nobody': adding(address, { name: 'spare' }),
      'for something else': adding(address, { name: 'spare', labels: { purpose: 'debugging' } }),
      'an address of the API that nobody names': edit('globalAddress', '', { name: 'other' }),
      'a machine of the internet': adding(machine, { networkInterfaces: [{ network: 'prod', accessConfigs: [{}] }] }),
    },
    fine: {
      'a label': adding(address, { name: 'spare', labels: { purpose: 'nat' } }),
      'an inner address': adding(address, { name: 'spare', addressType: 'INTERNAL' }),
      'a forwarding rule takes it': both(
        adding(address, { name: notKnownYet }),
        adding(
          forwarding,
          { ipAddress: notKnownYet, loadBalancingScheme: 'INTERNAL' },
          { propertyDependencies: { ipAddress: [urn] } },
        ),
      ),
      'a machine without': adding(machine, { networkInterfaces: [{ network: 'prod' }] }),
    },
    unknown: adding(address, { name: notKnownYet }),
    absent: adding(address, { name: 'spare', labels: undefined }),
    absentIs: 'fires',
  },
  {
    policy: 'net-subnet-range-sane',
    broken: {
      'an address of the internet': edit(subnet, 'network-proxies', { ipCidrRange: '8.8.0.0/23' }),
      'wider than private': edit(subnet, 'network-proxies', { ipCidrRange: '8.0.0.0/6' }),
      'the range of pods again': edit(subnet, 'network-proxies', { ipCidrRange: '10.64.0.0/23' }),
      'around another': edit(subnet, 'network-proxies', { ipCidrRange: '10.0.0.0/16' }),
    },
    fine: {
      'shared address space': edit(subnet, 'network-proxies', { ipCidrRange: '100.64.0.0/23' }),
      'the same in another network': both(
        literal(subnet, 'network-proxies', { network: 'projects/p/global/networks/other' }),
        edit(subnet, 'network-proxies', { ipCidrRange: '10.64.0.0/23' }),
      ),
    },
    unknown: edit(subnet, 'network-proxies', { ipCidrRange: notKnownYet }),
    absent: edit(subnet, 'network-proxies', { ipCidrRange: undefined }),
    absentIs: 'passes',
  },
]);
