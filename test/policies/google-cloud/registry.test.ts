import type { RawResource } from '../../../policies/framework/stack.ts';
import { notKnownYet, withValue } from '../../../policies/framework/testing.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { registryPolicies } from '../../../policies/google-cloud/registry.ts';
import { fixture, prove } from '../support/prove.ts';

const repository = 'gcp:artifactregistry/repository:Repository';
const service = 'gcp:projects/service:Service';
const scanning = fixture(service, { service: 'containerscanning.googleapis.com' });
const isScanning = ({ props }: RawResource) => props['service'] === 'containerscanning.googleapis.com';

prove(registryPolicies, googleCloud.policies, [
  {
    policy: 'ar-reader-only',
    on: 'gcp:artifactregistry/repositoryIamMember:RepositoryIamMember',
    at: 'role',
    broken: [{ value: 'roles/artifactregistry.writer' }, { value: 'roles/artifactregistry.repoAdmin' }],
    fine: [{ set: { role: 'roles/artifactregistry.writer', member: 'group:builders@example.com' } }],
    absent: 'fires',
  },
  {
    policy: 'ar-immutable-tags',
    on: repository,
    at: 'dockerConfig.immutableTags',
    broken: [{ value: false }, { set: { dockerConfig: undefined } }],
    fine: [
      { set: { dockerConfig: undefined, mode: 'REMOTE_REPOSITORY' } },
      { set: { dockerConfig: undefined, format: 'NPM' } },
    ],
    absent: 'fires',
  },
  {
    policy: 'ar-vulnerability-scanning',
    on: repository,
    at: 'vulnerabilityScanningConfig.enablementConfig',
    broken: [{ value: 'DISABLED' }],
    fine: [{ set: { format: 'NPM', vulnerabilityScanningConfig: { enablementConfig: 'DISABLED' } } }],
    absent: 'passes',
  },
  {
    policy: 'ar-scanning-api-on',
    on: (blueprint) => [...blueprint.filter((each) => !isScanning(each)), scanning],
    broken: { 'no scanner': (all) => all.filter((each) => !isScanning(each)) },
    fine: {
      'packages that are not scanned': (all) =>
        all
          .filter((each) => !isScanning(each))
          .map((each) =>
            each.type === repository ? { ...each, props: withValue(each.props, 'format', 'NPM') } : each,
          ),
      'APIs of another program': (all) => all.filter(({ type }) => type !== service),
    },
    unknown: (all) => all.map((each) => (isScanning(each) ? { ...each, props: { service: notKnownYet } } : each)),
    absent: (all) => all.map((each) => (isScanning(each) ? { ...each, props: {} } : each)),
    absentIs: 'fires',
  },
  {
    policy: 'ar-cleanup',
    on: repository,
    at: 'cleanupPolicyDryRun',
    broken: [{ value: true }, { set: { cleanupPolicies: [] } }, { set: { cleanupPolicies: undefined } }],
    absent: 'passes',
  },
]);
