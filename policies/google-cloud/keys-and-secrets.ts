import { all, answer, any, not, when } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';
import { day, lastsAtLeast, lastsAtMost } from './durations.ts';
import { everyGrant, isNarrowed } from './grants.ts';

const key = 'gcp:kms/cryptoKey:CryptoKey';
const secret = 'gcp:secretmanager/secret:Secret';

export const keysAndSecretsPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'kms-rotation-90d',
    description: 'A key that encrypts is replaced every 90 days at most, so that one stolen version opens little.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set rotationPeriod to 7776000s or less.',
    url: 'https://cloud.google.com/kms/docs/key-rotation',
    references: {
      'cis-gcp-4': ['1.10'],
      'cis-gcp-5': ['1.11'],
      checkov: ['CKV_GCP_43'],
      trivy: ['GCP-0065'],
    },
    settings: { days: { default: 90, description: 'Longest time between rotations, in days.' } },
    types: [key],
    // Google rotates symmetric keys only. https://cloud.google.com/kms/docs/key-rotation#asymmetric
    judge: ({ at, settings }) =>
      when(at('purpose').orElse('ENCRYPT_DECRYPT').is('ENCRYPT_DECRYPT'), () =>
        lastsAtMost(at('rotationPeriod'), settings.days * day),
      ),
    remedy: ({ settings }) => ({ rotationPeriod: `${settings.days * day}s` }),
  }),
  resourcePolicy({
    id: 'kms-destroy-delay',
    description: 'A destroyed key version can be had back for 30 days: what it encrypted is gone with it.',
    severity: 'medium',
    level: 'mandatory',
    tiers: ['prod'],
    remediation: 'Set destroyScheduledDuration to 2592000s or more (it cannot be changed later).',
    url: 'https://cloud.google.com/kms/docs/destroy-restore',
    references: {},
    settings: { days: { default: 30, description: 'Shortest time in which a version can be restored, in days.' } },
    types: [key],
    // 30 days is what the API does without it.
    judge: ({ at, settings }) =>
      lastsAtLeast(at('destroyScheduledDuration').orElse(`${30 * day}s`), settings.days * day),
  }),
  resourcePolicy({
    id: 'kms-protect',
    description: 'A key of production is not destroyed by a change of the program: its data could never be read again.',
    severity: 'high',
    level: 'mandatory',
    tiers: ['prod'],
    remediation: 'Set the option protect, or deletionPolicy PREVENT.',
    url: 'https://www.pulumi.com/docs/iac/concepts/options/protect/',
    references: { checkov: ['CKV_GCP_82'] },
    // Key rings need none: Google never deletes one. https://cloud.google.com/kms/docs/resource-hierarchy#key_rings
    types: [key],
    judge: ({ at, protect }) => any([answer(protect, 'protect'), at('deletionPolicy').is('PREVENT')]),
  }),
  resourcePolicy({
    id: 'kms-hsm',
    description: 'Keys that sign for production never leave a hardware module.',
    severity: 'low',
    level: 'advisory',
    tiers: ['prod'],
    remediation: 'Set versionTemplate.protectionLevel to HSM (or EXTERNAL, for a key manager of your own).',
    url: 'https://cloud.google.com/kms/docs/hsm',
    references: {},
    types: [key],
    judge: ({ at }) =>
      when(at('purpose').is('ASYMMETRIC_SIGN', 'MAC'), () =>
        at('versionTemplate.protectionLevel').is('HSM', 'EXTERNAL', 'EXTERNAL_VPC'),
      ),
  }),
  resourcePolicy({
    id: 'secret-value-not-in-state',
    description:
      'The program makes secrets, not their values: a value in the program is in its state, its plans and its history.',
    severity: 'critical',
    level: 'mandatory',
    remediation:
      'Have the owner add the version (gcloud secrets versions add), or pass secretDataWo, which is written and not kept.',
    url: 'https://cloud.google.com/secret-manager/docs/best-practices',
    references: {},
    types: /^gcp:secretmanager\/(secretVersion:SecretVersion|regionalSecretVersion:RegionalSecretVersion)$/,
    judge: ({ at }) => not(at('secretData').isFilled(), 'secretData'),
  }),
  resourcePolicy({
    id: 'secret-accessor-scoped',
    description:
      'Who reads a secret is one program, on that secret: on the project the role opens all that come later.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Grant roles/secretmanager.secretAccessor on the secret, to a service account.',
    url: 'https://cloud.google.com/secret-manager/docs/access-control',
    references: {},
    settings: {
      peopleRead: {
        default: ['-first-administrator$'],
        description: 'Ends of names of secrets that people read, as patterns: one-time codes and their like.',
      },
    },
    types: /^gcp:(projects|folder|organizations|secretmanager)\/\w*IAM(Member|Binding|Policy):\w+$/i,
    judge: ({ type, at, settings }) =>
      everyGrant(at, ({ role, member, condition }) =>
        when(role.matches(/^roles\/secretmanager\.(secretAccessor|admin)$/), () =>
          type.startsWith('gcp:secretmanager/')
            ? any([
                member.matches(/^(serviceAccount:|principal:\/\/)/),
                all([
                  member.matches(/^(user|group):/),
                  any(settings.peopleRead.map((pattern) => at('secretId').matches(new RegExp(pattern)))),
                ]),
              ])
            : all([role.is('roles/secretmanager.secretAccessor'), isNarrowed(condition)]),
        ),
      ),
  }),
  resourcePolicy({
    id: 'secret-replication-pinned',
    description: 'A secret is kept in named regions: automatic replication puts it wherever Google likes.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Set replication.userManaged.replicas.',
    url: 'https://cloud.google.com/secret-manager/docs/choosing-replication',
    references: {},
    types: [secret],
    judge: ({ at }) => at('replication.userManaged.replicas').isFilled(),
  }),
  resourcePolicy({
    id: 'secret-rotation',
    description:
      'A secret says when it is due for a new value, and to whom: one that nobody is told of stays for ever.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Set rotation.rotationPeriod to at most the setting days, and topics.',
    url: 'https://cloud.google.com/secret-manager/docs/rotation-recommendations',
    references: {},
    settings: { days: { default: 90, description: 'Longest time between rotations, in days.' } },
    types: [secret],
    judge: ({ at, settings }) =>
      all([lastsAtMost(at('rotation.rotationPeriod'), settings.days * day), at('topics').isFilled()]),
  }),
  resourcePolicy({
    id: 'secret-delete-guard',
    description: 'A destroyed version of a secret can be had back for a while, or the secret refuses to be deleted.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set versionDestroyTtl to a day or more, or deletionProtection.',
    url: 'https://cloud.google.com/secret-manager/docs/delayed-destruction',
    references: {},
    types: [secret],
    judge: ({ at }) => any([lastsAtLeast(at('versionDestroyTtl'), day), at('deletionProtection').is(true)]),
  }),
];
