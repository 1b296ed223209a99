import { type Answer, all, any, not } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { everyContainer, everyEntry, podBearing, podOf } from './pods.ts';

export const credentialPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'k8s-no-literal-credentials',
    description: 'No password, key or token stands in the environment of a container: every reader of the pod sees it.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Let the program read the value from Secret Manager, and hand it the name of the secret.',
    url: 'https://docs.cloud.google.com/secret-manager/docs/best-practices',
    references: { 'cis-gke': ['4.4.1'], checkov: ['CKV_K8S_35'], trivy: ['KSV-0109'] },
    types: podBearing,
    judge: (subject) =>
      everyContainer(podOf(subject), (container) =>
        container.at('env').every((each) => {
          const { value: name } = each.at('name');
          return isHarmless(typeof name === 'string' ? name : '', each.at('value'));
        }),
      ),
  }),

  resourcePolicy({
    id: 'k8s-no-secret-env',
    description: 'Secrets come as files: an environment is inherited by every child and printed by many a crash.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Mount the secret as a volume, by the CSI driver of Secret Manager where it is there.',
    url: 'https://kubernetes.io/docs/concepts/security/secrets-good-practices/',
    references: { 'cis-gke': ['4.4.1', '4.4.2'], checkov: ['CKV_K8S_35'] },
    types: podBearing,
    judge: (subject) =>
      everyContainer(podOf(subject), (container) =>
        all([
          container.at('env').every((each) => each.at('valueFrom.secretKeyRef').isAbsent()),
          container.at('envFrom').every((each) => each.at('secretRef').isAbsent()),
        ]),
      ),
  }),

  resourcePolicy({
    id: 'k8s-no-secret-in-configmap',
    description: 'A ConfigMap holds no password, key or token: it is readable to all who read the namespace.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Move the value to Secret Manager and let the program read it there.',
    url: 'https://kubernetes.io/docs/concepts/configuration/configmap/',
    references: { trivy: ['KSV-0109', 'KSV-01010'] },
    types: ['kubernetes:core/v1:ConfigMap'],
    judge: ({ at }) => everyEntry(at('data'), isHarmless),
  }),
];

/** The value may stand in the clear under this name. Nothing, and a reference to where a secret is, may. */
const isHarmless = (name: string, value: Reading): Answer =>
  any([
    value.isAbsent(),
    all([
      not(value.matches(credential), value.path),
      secretName.test(name) ? value.matches(reference) : not(value.matches(assignment), value.path),
    ]),
  ]);

/** Names that end like this hold the thing itself; `…_FILE`, `…_NAME` and `…_URL` do not. */
const secretName =
  /(^|[_.-])(password|passwd|passphrase|pwd|token|secret|credentials?|(api|access|secret|private|signing|encryption|auth)[_-]?key)$/i;

/** Empty, a name in Secret Manager or KMS, a path, or a place that somebody else fills. */
const reference = /^($|(\/\/[\w.]+\/)?projects\/[^/]+\/|\/[\w./-]+$|\$[({]|\{\{|<[^>]*>$)/;

/**
 * Shapes that only credentials have: private keys, keys of Google, GitHub, AWS and Slack, signed tokens, and URLs with a
 * password in them.
 */
const credential =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----|AIza[\w-]{35}|\bgh[pousr]_\w{36}|\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bxox[abprs]-[\w-]{10}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+|[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s:@${<]+@/;

/** A line of a file of settings: `password: …`, `api_key = "…"`. */
const assignment =
  /^\s*["']?([\w.-]*[_.-])?(password|passwd|passphrase|token|secret|(api|access|secret|private)[_-]?key)["']?\s*[:=]\s*["']?[^\s"'${</]/im;
