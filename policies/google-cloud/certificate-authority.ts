import { type Answer, all, any, not, when, yes } from '../framework/answer.ts';
import { type Policy, resourcePolicy, stackPolicy } from '../framework/policy.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { day, hour, lastsAtLeast, lastsAtMost, secondsOf, year } from './durations.ts';
import { everyGrant, isProgram } from './grants.ts';

const pool = 'gcp:certificateauthority/caPool:CaPool';
const authority = 'gcp:certificateauthority/authority:Authority';
const docs = 'https://cloud.google.com/certificate-authority-service/docs';

export const certificateAuthorityPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'cas-pool-tier',
    description:
      'A pool of production lists and revokes what it has signed, unless its certificates end before a revocation would reach anybody.',
    severity: 'high',
    level: 'mandatory',
    tiers: ['prod'],
    remediation:
      'Use tier ENTERPRISE, or let issuancePolicy.maximumLifetime of a DEVOPS pool be at most shortLivedHours.',
    url: `${docs}/tiers`,
    references: {},
    settings: {
      shortLivedHours: {
        // 7 days: https://cabforum.org/working-groups/server/baseline-requirements/requirements/ (short-lived
        // certificates need no revocation), and how long a list of revoked ones is valid:
        // https://cloud.google.com/certificate-authority-service/docs/revoking-certificates
        default: 168,
        description: 'Longest life of a certificate that nobody has to be able to revoke, in hours.',
      },
    },
    types: [pool],
    judge: ({ at, settings }) =>
      any([
        at('tier').is('ENTERPRISE'),
        lastsAtMost(at('issuancePolicy.maximumLifetime'), settings.shortLivedHours * hour),
      ]),
  }),
  resourcePolicy({
    id: 'cas-pool-issuance-policy',
    description: 'A pool has rules for what it signs: without them each requester gets any certificate, for any name.',
    severity: 'critical',
    level: 'mandatory',
    remediation: 'Set issuancePolicy.',
    url: `${docs}/issuance-policy`,
    references: {},
    types: [pool],
    judge: ({ at }) => at('issuancePolicy').isFilled(),
  }),
  resourcePolicy({
    id: 'cas-pool-identity-constraints',
    description:
      'A pool says which names it signs: what a requester may ask for as it likes is bounded by an expression.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Set issuancePolicy.identityConstraints: both passthroughs false, or a celExpression over the names; for client certificates with a subject of the requester, over subject too.',
    url: `${docs}/using-cel`,
    references: {},
    types: [pool],
    judge: ({ at }) => {
      const constraints = at('issuancePolicy.identityConstraints');
      const expression = constraints.at('celExpression.expression');
      const subject = not(constraints.at('allowSubjectPassthrough').is(false), constraints.path);
      const names = not(constraints.at('allowSubjectAltNamesPassthrough').is(false), constraints.path);
      const signsClients = at('issuancePolicy.baselineValues.keyUsage.extendedKeyUsage.clientAuth').is(true);
      return all([
        constraints.exists(),
        when(any([subject, names]), () => expression.matches(/\b(subject|subject_alt_names)\b/)),
        when(all([subject, signsClients]), () => expression.matches(/\bsubject\./)),
      ]);
    },
  }),
  stackPolicy({
    id: 'cas-pool-no-ca-issuance',
    description:
      'A pool for servers or devices cannot sign another CA, nor a certificate that is both: whoever holds one could sign for everybody.',
    severity: 'critical',
    level: 'mandatory',
    remediation:
      'Set in issuancePolicy.baselineValues caOptions.nonCa true (isCa false alone leaves it to the request), no certSign, and serverAuth or clientAuth, not both.',
    url: `${docs}/certificate-profile`,
    references: {},
    judge: (stack) =>
      stack
        .ofType(pool)
        .filter((each) => !signsAuthorities(stack, each))
        .map((each) => ({ urn: each.urn, answer: signsLeavesOnly(each) })),
  }),
  resourcePolicy({
    id: 'cas-pool-key-types',
    description: 'A pool signs only keys that are strong enough: elliptic curves, or RSA of 3072 bits and more.',
    severity: 'medium',
    level: 'mandatory',
    remediation:
      'List issuancePolicy.allowedKeyTypes: ellipticCurve ECDSA_P256 or better, or rsa with minModulusSize 3072.',
    url: `${docs}/issuance-policy#allowed-key-types`,
    references: {},
    types: [pool],
    judge: ({ at }) =>
      all([
        at('issuancePolicy.allowedKeyTypes').isFilled(),
        at('issuancePolicy.allowedKeyTypes').every((each) =>
          any([
            each.at('ellipticCurve.signatureAlgorithm').is('ECDSA_P256', 'ECDSA_P384', 'EDDSA_25519'),
            each.at('rsa.minModulusSize').atLeast(3_072),
          ]),
        ),
      ]),
  }),
  resourcePolicy({
    id: 'cas-pool-max-lifetime',
    description: 'No certificate outlives its reason: a lost device or server key ends by itself.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Set issuancePolicy.maximumLifetime: leafDays for a pool whose baseline says nonCa, caDays for one that signs CAs.',
    url: `${docs}/issuance-policy#maximum-lifetime`,
    references: {},
    settings: {
      leafDays: { default: 90, description: 'Longest life of a certificate of a server or a device, in days.' },
      caDays: { default: 1_825, description: 'Longest life of the certificate of a CA that a pool signs, in days.' },
    },
    types: [pool],
    judge: ({ at, settings }) =>
      any([
        lastsAtMost(at('issuancePolicy.maximumLifetime'), settings.leafDays * day),
        all([
          not(at('issuancePolicy.baselineValues.caOptions.nonCa').is(true), 'issuancePolicy.maximumLifetime'),
          lastsAtMost(at('issuancePolicy.maximumLifetime'), settings.caDays * day),
        ]),
      ]),
  }),
  resourcePolicy({
    id: 'cas-pool-issuance-modes',
    description: 'A pool is asked in one way: by requests that prove the key, or by descriptions of a certificate.',
    severity: 'medium',
    level: 'advisory',
    remediation:
      'Set in issuancePolicy.allowedIssuanceModes one of allowCsrBasedIssuance, allowConfigBasedIssuance true.',
    url: `${docs}/issuance-policy`,
    references: {},
    types: [pool],
    judge: ({ at }) => {
      const modes = at('issuancePolicy.allowedIssuanceModes');
      const csr = modes.at('allowCsrBasedIssuance').orElse(false);
      const config = modes.at('allowConfigBasedIssuance').orElse(false);
      // A pool without rules has a policy of its own.
      return when(at('issuancePolicy').exists(), () =>
        any([all([csr.is(true), config.is(false)]), all([csr.is(false), config.is(true)])]),
      );
    },
  }),
  resourcePolicy({
    id: 'cas-pool-publishing',
    description: 'A pool publishes its CA certificates, and in the tier that can revoke also what it has revoked.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set publishingOptions.publishCaCert, and publishCrl in tier ENTERPRISE.',
    url: `${docs}/publishing-ca-certificates-crls`,
    references: {},
    types: [pool],
    judge: ({ at }) =>
      all([
        at('publishingOptions.publishCaCert').is(true),
        when(at('tier').is('ENTERPRISE'), () => at('publishingOptions.publishCrl').is(true)),
      ]),
  }),
  resourcePolicy({
    id: 'cas-authority-key',
    description: 'The key of a CA is an elliptic curve, RSA of 3072 bits or more, or one of your own in KMS.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Set keySpec.algorithm to EC_P256_SHA256, EC_P384_SHA384 or an RSA one of 3072 or 4096 bits, or keySpec.cloudKmsKeyVersion.',
    url: `${docs}/key-algorithms`,
    references: {},
    types: [authority],
    judge: ({ at }) =>
      any([
        at('keySpec.cloudKmsKeyVersion').isFilled(),
        at('keySpec.algorithm').matches(/^(EC_P(256_SHA256|384_SHA384)|RSA_(PSS|PKCS1)_(3072|4096)_SHA256)$/),
      ]),
  }),
  stackPolicy({
    id: 'cas-authority-lifetime',
    description: 'A root lives for ten years at most, a CA below it for five, and never longer than the root.',
    severity: 'medium',
    level: 'mandatory',
    remediation:
      'Set lifetime (left out it is ten years): rootYears or subordinateYears at most, below that of the issuer.',
    url: `${docs}/creating-certificate-authorities`,
    references: {},
    settings: {
      rootYears: { default: 10, description: 'Longest life of a root, in years of 365 days.' },
      subordinateYears: { default: 5, description: 'Longest life of a CA below a root, in years of 365 days.' },
    },
    judge: (stack, settings) =>
      stack.ofType(authority).map((each) => ({ urn: each.urn, answer: livesWithin(each, settings) })),
  }),
  resourcePolicy({
    id: 'cas-authority-protected',
    description:
      'A CA of production cannot be deleted by mistake, nor at once: every certificate below it would end with it.',
    severity: 'critical',
    level: 'mandatory',
    tiers: ['prod'],
    remediation: 'Leave deletionProtection on, and skipGracePeriod and ignoreActiveCertificatesOnDeletion off.',
    url: `${docs}/deleting-certificate-authorities`,
    references: {},
    types: [authority],
    judge: ({ at }) =>
      all([
        at('deletionProtection').orElse(true).is(true),
        at('skipGracePeriod').orElse(false).is(false),
        at('ignoreActiveCertificatesOnDeletion').orElse(false).is(false),
      ]),
  }),
  stackPolicy({
    id: 'cas-subordinate-issues',
    description: 'Workloads have certificates signed by a subordinate; a root signs for them only through a template.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Grant the role on a pool of SUBORDINATE authorities, or with a condition on the attribute privateca.googleapis.com/template.',
    url: `${docs}/creating-certificate-templates`,
    references: {},
    judge: (stack) =>
      stack.ofType(/^gcp:certificateauthority\/caPoolIam(Member|Binding|Policy):/).map((grant) => ({
        urn: grant.urn,
        answer: everyGrant(grant.at, ({ role, condition }) =>
          any([
            not(role.matches(requesting), role.path),
            condition.at('expression').matches(/privateca\.googleapis\.com\/template/),
            all(
              authoritiesOf(stack, grant.sourcesOf('caPool')).map((each) =>
                each.at('type').orElse('SELF_SIGNED').is('SUBORDINATE'),
              ),
            ),
          ]),
        ),
      })),
  }),
  resourcePolicy({
    id: 'cas-requester-least',
    description: 'A program may ask a pool for certificates; it never administers the pool or its CAs.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Grant roles/privateca.certificateRequester, workloadCertificateRequester or templateUser.',
    url: `${docs}/reference/access-control`,
    references: {},
    settings: {
      roles: {
        default: ['certificateRequester', 'workloadCertificateRequester', 'templateUser', 'poolReader', 'auditor'].map(
          (role) => `roles/privateca.${role}`,
        ),
        description: 'Roles that programs may hold on pools and templates.',
      },
    },
    types: /^gcp:certificateauthority\/\w+Iam(Member|Binding|Policy):\w+$/,
    judge: ({ at, settings }) =>
      everyGrant(at, ({ role, member }) => any([not(isProgram(member), member.path), role.is(...settings.roles)])),
  }),
];

const requesting = /^roles\/privateca\.(certificateRequester|workloadCertificateRequester|certificateManager|admin)$/;

const authoritiesOf = (stack: Stack, pools: readonly Resource[]): readonly Resource[] =>
  pools.flatMap((each) => stack.dependentsOf(each, 'pool')).filter(({ type }) => type === authority);

/** A pool with an authority from which another one of the stack comes. */
const signsAuthorities = (stack: Stack, given: Resource): boolean =>
  authoritiesOf(stack, [given]).some((each) =>
    stack.dependentsOf(each, 'subordinateConfig').some(({ type }) => type === authority),
  );

function signsLeavesOnly(given: Resource): Answer {
  const baseline = given.at('issuancePolicy.baselineValues');
  const usage = baseline.at('keyUsage.extendedKeyUsage');
  return all([
    baseline.at('caOptions.isCa').orElse(false).is(false),
    baseline.at('caOptions.nonCa').is(true),
    baseline.at('keyUsage.baseKeyUsage.certSign').orElse(false).is(false),
    any([usage.at('serverAuth').orElse(false).is(false), usage.at('clientAuth').orElse(false).is(false)]),
  ]);
}

function livesWithin(given: Resource, years: { rootYears: number; subordinateYears: number }): Answer {
  const lifetime = given.at('lifetime').orElse(`${10 * year}s`);
  const root = given.at('type').orElse('SELF_SIGNED').is('SELF_SIGNED');
  const issuers = given.sourcesOf('subordinateConfig').filter(({ type }) => type === authority);
  return all([
    lastsAtMost(lifetime, years.rootYears * year),
    any([root, lastsAtMost(lifetime, years.subordinateYears * year)]),
    ...issuers.map((issuer) => {
      const above = issuer.at('lifetime').orElse(`${10 * year}s`);
      const seconds = secondsOf(lifetime.value);
      return seconds === null ? yes : lastsAtLeast(above, seconds);
    }),
  ]);
}
