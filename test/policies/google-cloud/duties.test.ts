import type { RawResource } from '../../../policies/framework/stack.ts';
import { fixture, notKnownYet } from '../../../policies/framework/testing.ts';
import { dutiesPolicies } from '../../../policies/google-cloud/duties.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { prove } from '../support/prove.ts';

const people = ['group:a@example.com', 'group:b@example.com'] as const;
/** Grants on top of the blueprint's. */
const granted =
  (...grants: (readonly [type: string, role: string | undefined, member: string])[]) =>
  (all: RawResource[]) => [
    ...all,
    ...grants.map(([type, role, member], index) => fixture(type, { role, member }, { name: `grant-${index}` })),
  ];
const project = 'gcp:projects/iAMMember:IAMMember';
const account = 'gcp:serviceaccount/iAMMember:IAMMember';
const key = 'gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember';
const both = (type: string, role: string, members: readonly string[]) => (all: RawResource[]) => [
  ...all,
  fixture(type, { role, members }, { name: 'binding' }),
];

prove(dutiesPolicies, googleCloud.policies, [
  {
    policy: 'iam-separation-of-duties-sa',
    along: ['iam-human-grants-expire'],
    broken: {
      'one group': granted(
        [project, 'roles/iam.serviceAccountAdmin', people[0]],
        [account, 'roles/iam.serviceAccountUser', people[0]],
      ),
      'among the members of a binding': (all) =>
        both(
          'gcp:serviceaccount/iAMBinding:IAMBinding',
          'roles/iam.serviceAccountTokenCreator',
          people,
        )(granted([project, 'roles/iam.serviceAccountAdmin', people[1]])(all)),
    },
    fine: {
      'two groups': granted(
        [project, 'roles/iam.serviceAccountAdmin', people[0]],
        [account, 'roles/iam.serviceAccountUser', people[1]],
      ),
    },
    unknown: granted(
      [project, 'roles/iam.serviceAccountAdmin', people[0]],
      [account, 'roles/iam.serviceAccountUser', notKnownYet],
    ),
    absent: granted([project, undefined, people[0]], [account, 'roles/iam.serviceAccountUser', people[0]]),
    absentIs: 'passes',
  },
  {
    policy: 'iam-separation-of-duties-kms',
    broken: {
      'encrypts too': granted(
        [project, 'roles/cloudkms.admin', people[0]],
        [key, 'roles/cloudkms.cryptoKeyEncrypterDecrypter', people[0]],
      ),
      'signs too': granted([key, 'roles/cloudkms.admin', people[0]], [key, 'roles/cloudkms.signer', people[0]]),
    },
    fine: {
      'two groups': granted([key, 'roles/cloudkms.admin', people[0]], [key, 'roles/cloudkms.signer', people[1]]),
      'looks at public keys': granted(
        [key, 'roles/cloudkms.admin', people[0]],
        [key, 'roles/cloudkms.publicKeyViewer', people[0]],
      ),
    },
    unknown: granted([key, 'roles/cloudkms.admin', notKnownYet], [key, 'roles/cloudkms.signer', people[0]]),
    absent: granted([key, undefined, people[0]], [key, 'roles/cloudkms.signer', people[0]]),
    absentIs: 'passes',
    along: ['iam-human-grants-expire', 'iam-resource-scoped'],
  },
]);
