import { all, answer, any, not, when } from '../framework/answer.ts';
import { type Policy, resourcePolicy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { everyGrant, isProgram } from './grants.ts';

const repository = 'gcp:artifactregistry/repository:Repository';
const service = 'gcp:projects/service:Service';

export const registryPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'ar-reader-only',
    description: 'What runs can pull images and not push any: a taken-over pod must not be able to replace its image.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Grant roles/artifactregistry.reader; list who builds and pushes in the setting writers.',
    url: 'https://cloud.google.com/artifact-registry/docs/access-control#roles',
    references: { 'cis-gke': ['5.1.2', '5.1.3'] },
    settings: {
      writers: {
        default: [],
        description: 'Members that push images, as serviceAccount:builder@project.iam.gserviceaccount.com.',
      },
    },
    types: /^gcp:artifactregistry\/repositoryIam(Member|Binding|Policy):\w+$/,
    judge: ({ at, settings }) =>
      everyGrant(at, ({ role, member }) =>
        any([
          not(isProgram(member), member.path),
          role.is('roles/artifactregistry.reader'),
          member.is(...settings.writers),
        ]),
      ),
  }),
  resourcePolicy({
    id: 'ar-immutable-tags',
    description: 'A tag means the same image for ever: what was tested under it is what runs under it.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set dockerConfig.immutableTags to true.',
    url: 'https://cloud.google.com/artifact-registry/docs/docker/names#tag-immutability',
    references: {},
    types: [repository],
    // A mirror of another registry, or a view over several, has no tags of its own.
    judge: ({ at }) => when(ownImages(at), () => at('dockerConfig.immutableTags').is(true)),
  }),
  resourcePolicy({
    id: 'ar-vulnerability-scanning',
    description: 'Images of a repository are not left out of the scan for known vulnerabilities.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set vulnerabilityScanningConfig.enablementConfig to INHERITED, or leave it out.',
    url: 'https://cloud.google.com/artifact-analysis/docs/enable-automatic-scanning',
    references: { 'cis-gke': ['5.1.1'], checkov: ['CKV2_GCP_11'] },
    types: [repository],
    judge: ({ at }) =>
      when(at('format').is('DOCKER'), () =>
        at('vulnerabilityScanningConfig.enablementConfig').orElse('INHERITED').is('INHERITED'),
      ),
  }),
  stackPolicy({
    id: 'ar-scanning-api-on',
    description:
      'The scanner that repositories inherit is switched on in the project: without its API nothing is scanned.',
    severity: 'medium',
    level: 'advisory',
    remediation:
      'Enable containerscanning.googleapis.com with gcp.projects.Service, or scan images where they are built.',
    url: 'https://cloud.google.com/artifact-analysis/docs/enable-automatic-scanning',
    references: { 'cis-gke': ['5.1.1'], checkov: ['CKV2_GCP_11'] },
    // A stack that enables no APIs leaves them to another program.
    judge: (stack) => {
      const services = stack.ofType(service);
      const repositories = stack.ofType(repository);
      if (services.length === 0 || repositories.length === 0) return [];
      const enabled = any([
        answer(false, 'containerscanning.googleapis.com'),
        ...services.map((each) => each.at('service').is('containerscanning.googleapis.com')),
      ]);
      return repositories.map(({ urn, at }) => ({ urn, answer: when(at('format').is('DOCKER'), () => enabled) }));
    },
  }),
  resourcePolicy({
    id: 'ar-cleanup',
    description:
      'Images that nobody runs any more are deleted: storage is paid for, and old ones are what attackers look through.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set cleanupPolicies, with cleanupPolicyDryRun false.',
    url: 'https://cloud.google.com/artifact-registry/docs/repositories/cleanup-policy',
    references: {},
    types: [repository],
    judge: ({ at }) => all([at('cleanupPolicies').isFilled(), at('cleanupPolicyDryRun').orElse(false).is(false)]),
  }),
];

const ownImages = (at: (path: string) => Reading) =>
  all([at('format').is('DOCKER'), at('mode').orElse('STANDARD_REPOSITORY').is('STANDARD_REPOSITORY')]);
