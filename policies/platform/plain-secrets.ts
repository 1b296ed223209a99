import { type Answer, all, any, yes } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { named } from '../framework/relations.ts';
import { kindOf, podOf, workloadTypes } from './relations.ts';

/** Texts that are credentials wherever they stand. */
const credentials: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\bya29\.[\w-]{20,}/,
  /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/,
  /\bAIza[\w-]{35}\b/,
  /\b[a-z][a-z0-9+]*:\/\/[^\s:/@]*:[^\s/@]+@/i,
  /"private_key"\s*:/,
];
/** Names of variables whose value is a credential; `…_FILE` and `…_SECRET` name a place. */
const credentialNames = /(PASSWORD|PASSWD|PASSPHRASE|PRIVATE_KEY|API_KEY|ACCESS_TOKEN|AUTH_TOKEN|CLIENT_SECRET)$/i;
/** A name in Secret Manager says where a secret is. */
const secretName = /^projects\/[^/]+\/secrets\/[^/]+(\/versions\/[^/]+)?$/;

/** Never the text itself: only where it stands. */
function free(reading: Reading): Answer {
  if (reading.state === 'absent') return yes;
  const below = [...reading.items(), ...reading.entries().map(([, each]) => each)];
  if (below.length > 0) return all(below.map(free));
  if (reading.state === 'unknown') return reading.exists();
  return named(
    reading.test((value) => typeof value !== 'string' || !credentials.some((pattern) => pattern.test(value))),
    reading.path,
  );
}

function variable(entry: Reading): Answer {
  const value = entry.at('value');
  if (value.state === 'absent') return yes;
  const told = any([
    entry.at('name').test((name) => typeof name === 'string' && !credentialNames.test(name)),
    value.test((text) => text === '' || (typeof text === 'string' && secretName.test(text))),
  ]);
  return all([named(told, value.path), free(value)]);
}

/**
 * What stands in a ConfigMap, a pod or the stack's outputs is read by everyone who may look: it is in the state, in each
 * preview's output, in `kubectl describe`. Whether Pulumi marks it secret is not seen by a policy of the stack, so the
 * text itself is judged.
 */
const noPlainSecrets = stackPolicy({
  id: 'stack-no-plain-secrets',
  description:
    'No credential stands in the open: in ConfigMaps, variables, arguments and annotations of pods, or outputs of the stack.',
  severity: 'high',
  level: 'mandatory',
  remediation:
    'Keep the value in Secret Manager and pass its name, or use an identity that needs no credential; rotate what stood here, since it is in the state.',
  url: 'https://cloud.google.com/secret-manager/docs/best-practices',
  references: { 'cis-gke': ['4.4.1'], checkov: ['CKV_K8S_35'], trivy: ['KSV-0109'] },
  judge: function* (stack): Iterable<Finding> {
    for (const each of stack.ofType(kindOf('ConfigMap')))
      yield { urn: each.urn, answer: all([free(each.at('data')), free(each.at('metadata.annotations'))]) };
    for (const each of stack.ofType(...workloadTypes)) {
      const { spec } = podOf(each);
      const containers = ['containers', 'initContainers', 'ephemeralContainers'].flatMap((list) =>
        spec.at(list).items(),
      );
      yield {
        urn: each.urn,
        answer: all([
          free(each.at('metadata.annotations')),
          ...containers.flatMap((container) => [
            free(container.at('command')),
            free(container.at('args')),
            ...container.at('env').items().map(variable),
          ]),
        ]),
      };
    }
    for (const each of stack.ofType('pulumi:pulumi:Stack')) yield { urn: each.urn, answer: free(each.at('')) };
  },
});

export const plainSecretPolicies: readonly Policy[] = [noPlainSecrets];
