import { notKnownYet } from '../../../policies/framework/testing.ts';
import { durabilityPolicies } from '../../../policies/platform/durability.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { prove } from '../support/prove.ts';
import { edit, unprotect } from './changes.ts';

const instance = 'sql/databaseInstance';

prove(durabilityPolicies, platform.policies, [
  {
    policy: 'stack-prod-survives-zone',
    broken: {
      'a database of one zone': edit(instance, 'core', { 'settings.availabilityType': 'ZONAL' }),
      'a cache without a replica': edit('memorystore/instance', '', { replicaCount: 0 }),
      'a cluster of one zone': edit('container/cluster:', '', { location: 'europe-west1-b' }),
    },
    fine: {
      'a read replica of one zone': edit(instance, 'core', {
        'settings.availabilityType': 'ZONAL',
        masterInstanceName: 'primary',
      }),
    },
    unknown: edit(instance, 'core', { 'settings.availabilityType': notKnownYet }),
    absent: edit(instance, 'core', { 'settings.availabilityType': undefined }),
    absentIs: 'fires',
  },
  {
    policy: 'stack-prod-durable',
    broken: {
      'a key without protect': unprotect('kms/cryptoKey', 'firmware'),
      'a network without protect': unprotect('compute/network:'),
      "a database without the provider's flag": edit(instance, 'core', { deletionProtection: false }),
      "a database without Google's flag": edit(instance, 'core', { 'settings.deletionProtectionEnabled': false }),
      'documents without a flag': edit('firestore/database:', '', { deleteProtectionState: undefined }),
      'a bucket that goes with what is in it': edit('storage/bucket:', '', { forceDestroy: true }),
      'an authority without a flag': edit('authority:Authority', 'root', { deletionProtection: false }),
    },
    unknown: edit(instance, 'core', { 'settings.deletionProtectionEnabled': notKnownYet }),
    absent: edit(instance, 'core', { 'settings.deletionProtectionEnabled': undefined }),
    absentIs: 'fires',
  },
]);
