import type { RawResource } from '../../../policies/framework/stack.ts';
import { notKnownYet, withValue } from '../../../policies/framework/testing.ts';
import { certificateAuthorityPolicies } from '../../../policies/google-cloud/certificate-authority.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { fixture, prove } from '../support/prove.ts';

const pool = 'gcp:certificateauthority/caPool:CaPool';
const authority = 'gcp:certificateauthority/authority:Authority';
const member = 'gcp:certificateauthority/caPoolIamMember:CaPoolIamMember';
const servers = { type: pool, name: 'authority-servers-pool' };
const root = { type: pool, name: 'authority-root-pool' };
const constraints = 'issuancePolicy.identityConstraints';
const baseline = 'issuancePolicy.baselineValues';

const changed = (name: string, path: string, value: unknown) => (resources: RawResource[]) =>
  resources.map((each) => (each.name === name ? { ...each, props: withValue(each.props, path, value) } : each));
const without = (name: string) => (resources: RawResource[]) => resources.filter((each) => each.name !== name);

prove(certificateAuthorityPolicies, googleCloud.policies, [
  {
    policy: 'cas-pool-tier',
    on: servers,
    at: 'tier',
    given: { 'issuancePolicy.maximumLifetime': '2592000s', tier: 'ENTERPRISE', 'publishingOptions.publishCrl': true },
    broken: [{ value: 'DEVOPS' }],
    fine: [{ set: { tier: 'DEVOPS', 'issuancePolicy.maximumLifetime': '604800s' } }],
    absent: 'fires',
  },
  {
    policy: 'cas-pool-issuance-policy',
    on: servers,
    at: 'issuancePolicy',
    broken: [{ value: undefined }, { value: {} }],
    unknown: 'passes',
    absent: 'fires',
    along: [
      'cas-pool-identity-constraints',
      'cas-pool-issuance-modes',
      'cas-pool-key-types',
      'cas-pool-max-lifetime',
      'cas-pool-no-ca-issuance',
      'cas-pool-tier',
    ],
  },
  {
    policy: 'cas-pool-identity-constraints',
    on: servers,
    at: `${constraints}.celExpression`,
    broken: [
      { value: undefined },
      { value: { expression: 'true' } },
      { set: { [constraints]: { allowSubjectPassthrough: false, allowSubjectAltNamesPassthrough: true } } },
      { set: { [constraints]: undefined } },
      // Devices choose their own name, and nothing looks at it.
      { set: { [`${baseline}.keyUsage.extendedKeyUsage`]: { clientAuth: true } } },
    ],
    fine: [
      { set: { [constraints]: { allowSubjectPassthrough: false, allowSubjectAltNamesPassthrough: false } } },
      { set: { [`${baseline}.keyUsage.extendedKeyUsage.clientAuth`]: false } },
      {
        set: {
          [`${baseline}.keyUsage.extendedKeyUsage`]: { clientAuth: true },
          [`${constraints}.celExpression.expression`]: 'subject.common_name.matches("^[a-z]+$")',
        },
      },
    ],
    absent: 'fires',
  },
  {
    policy: 'cas-pool-no-ca-issuance',
    broken: {
      'no baseline': changed(servers.name, baseline, undefined),
      'left to the request': changed(servers.name, `${baseline}.caOptions`, { isCa: false }),
      'said to be none of a leaf': changed(servers.name, `${baseline}.caOptions`, { isCa: false, nonCa: false }),
      'a CA': changed(servers.name, `${baseline}.caOptions`, { isCa: true, nonCa: true }),
      'a key that signs certificates': changed(servers.name, `${baseline}.keyUsage.baseKeyUsage.certSign`, true),
      'a server that is a client too': changed(servers.name, `${baseline}.keyUsage.extendedKeyUsage.clientAuth`, true),
      'a root that no CA comes from': (all) =>
        all.map((each) => (each.name === 'authority-servers-ca' ? { ...each, propertyDependencies: {} } : each)),
    },
    fine: {
      'a client': changed(servers.name, `${baseline}.keyUsage.extendedKeyUsage`, { clientAuth: true }),
    },
    unknown: changed(servers.name, `${baseline}.caOptions.nonCa`, notKnownYet),
    absent: changed(servers.name, `${baseline}.caOptions`, undefined),
    absentIs: 'fires',
    along: ['cas-pool-identity-constraints', 'cas-pool-max-lifetime'],
  },
  {
    policy: 'cas-pool-key-types',
    on: servers,
    at: 'issuancePolicy.allowedKeyTypes',
    broken: [
      { value: [] },
      { value: [{ rsa: { minModulusSize: '2048' } }] },
      { value: [{ ellipticCurve: { signatureAlgorithm: 'ECDSA_P256' } }, { rsa: {} }] },
    ],
    fine: [{ value: [{ rsa: { minModulusSize: '3072', maxModulusSize: '4096' } }] }],
    absent: 'fires',
  },
  {
    policy: 'cas-pool-max-lifetime',
    on: servers,
    at: 'issuancePolicy.maximumLifetime',
    broken: [
      { value: '7776001s' },
      { value: 'a while' },
      { set: { [baseline]: undefined, 'issuancePolicy.maximumLifetime': '157680001s' } },
    ],
    fine: [{ value: '7776000s' }, { set: { [baseline]: undefined, 'issuancePolicy.maximumLifetime': '157680000s' } }],
    absent: 'fires',
    along: ['cas-pool-tier', 'cas-pool-no-ca-issuance'],
  },
  {
    policy: 'cas-pool-issuance-modes',
    on: 'gcp:certificateauthority/caPool:CaPool',
    at: 'issuancePolicy.allowedIssuanceModes',
    broken: [
      { value: { allowCsrBasedIssuance: true, allowConfigBasedIssuance: true } },
      { value: { allowCsrBasedIssuance: false, allowConfigBasedIssuance: false } },
    ],
    fine: [{ value: { allowConfigBasedIssuance: true } }],
    absent: 'fires',
  },
  {
    policy: 'cas-pool-publishing',
    on: root,
    at: 'publishingOptions.publishCrl',
    broken: [
      { value: false },
      { set: { 'publishingOptions.publishCaCert': false } },
      { set: { publishingOptions: undefined } },
    ],
    fine: [{ set: { tier: 'DEVOPS', 'publishingOptions.publishCrl': false } }],
    absent: 'fires',
  },
  {
    policy: 'cas-authority-key',
    on: authority,
    at: 'keySpec.algorithm',
    broken: [{ value: 'RSA_PKCS1_2048_SHA256' }, { value: 'SIGN_HASH_ALGORITHM_UNSPECIFIED' }],
    fine: [
      { value: 'EC_P384_SHA384' },
      { value: 'RSA_PSS_3072_SHA256' },
      {
        set: { keySpec: { cloudKmsKeyVersion: 'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1' } },
      },
    ],
    absent: 'fires',
  },
  {
    policy: 'cas-authority-lifetime',
    broken: {
      'a root of eleven years': changed('authority-root-ca', 'lifetime', '346896000s'),
      'a subordinate of six years': changed('authority-servers-ca', 'lifetime', '189216000s'),
      'a subordinate that outlives its root': changed('authority-root-ca', 'lifetime', '94608000s'),
    },
    fine: { 'a root of the same age': changed('authority-root-ca', 'lifetime', '157680000s') },
    unknown: changed('authority-servers-ca', 'lifetime', notKnownYet),
    absent: changed('authority-servers-ca', 'lifetime', undefined),
    absentIs: 'fires',
  },
  {
    policy: 'cas-authority-protected',
    on: authority,
    at: 'deletionProtection',
    broken: [
      { value: false },
      { set: { skipGracePeriod: true } },
      { set: { ignoreActiveCertificatesOnDeletion: true } },
    ],
    fine: [{ set: { skipGracePeriod: undefined, ignoreActiveCertificatesOnDeletion: undefined } }],
    absent: 'passes',
  },
  {
    policy: 'cas-subordinate-issues',
    broken: {
      'a root without a template': changed('authority-root-devices', 'condition', undefined),
      'a condition on something else': changed(
        'authority-root-devices',
        'condition.expression',
        'request.time < timestamp("2030-01-01T00:00:00Z")',
      ),
      'a root behind the pool of the servers': changed('authority-servers-ca', 'type', 'SELF_SIGNED'),
    },
    fine: {
      'who only reads': changed('authority-root-devices', 'role', 'roles/privateca.poolReader'),
      'no grants': without('authority-root-devices'),
    },
    unknown: changed('authority-servers-ca', 'type', notKnownYet),
    absent: changed('authority-root-devices', 'condition.expression', undefined),
    absentIs: 'fires',
    along: ['cas-pool-no-ca-issuance'],
  },
  {
    policy: 'cas-requester-least',
    on: { type: member, name: 'authority-servers-gateway' },
    at: 'role',
    broken: [
      { value: 'roles/privateca.admin' },
      { value: 'roles/privateca.caManager' },
      {
        resource: fixture('gcp:certificateauthority/certificateTemplateIamMember:CertificateTemplateIamMember', {
          role: 'roles/privateca.admin',
          member: 'principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s',
        }),
      },
    ],
    fine: [
      { value: 'roles/privateca.workloadCertificateRequester' },
      { set: { role: 'roles/privateca.admin', member: 'group:security@example.com' } },
    ],
    absent: 'fires',
  },
]);
