import { describe, expect, test } from 'vitest';
import { said } from '../../../policies/framework/testing.ts';
import { credentialPolicies } from '../../../policies/kubernetes/credentials.ts';
import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { fixture, prove } from '../support/prove.ts';

const on = { type: 'kubernetes:apps/v1:Deployment', name: 'gateway-pods' };
const main = 'spec.template.spec.containers[0]';
const first = 'spec.template.spec.initContainers[0]';
/** Made here of parts, so that no scanner takes this file for a leak. */
const privateKey = ['-----BEGIN EC', 'PRIVATE KEY-----\nAA==\n'].join(' ');

prove(credentialPolicies, kubernetes.policies, [
  {
    policy: 'k8s-no-literal-credentials',
    on,
    at: `${main}.env[0].value`,
    broken: [
      { value: 'postgres://user:hunter2@10.0.0.1/core' },
      { value: privateKey },
      { set: { [`${main}.env[0]`]: { name: 'DATABASE_PASSWORD', value: 'hunter2' } } },
      { set: { [`${first}.env[0]`]: { name: 'apiKey', value: 'hunter2' } } },
    ],
    fine: [
      { value: 'postgres://user@10.0.0.1/core' },
      { set: { [`${main}.env[0]`]: { name: 'DATABASE_PASSWORD', valueFrom: { fieldRef: { fieldPath: 'x' } } } } },
    ],
    absent: 'passes',
  },
  {
    policy: 'k8s-no-secret-env',
    on,
    at: `${main}.env[0].valueFrom.secretKeyRef`,
    broken: [
      { value: { name: 'database', key: 'password' } },
      { set: { [`${first}.envFrom`]: [{ secretRef: { name: 'all' } }] } },
    ],
    fine: [{ set: { [`${main}.envFrom`]: [{ configMapRef: { name: 'all' } }] } }],
    absent: 'passes',
  },
  {
    policy: 'k8s-no-secret-in-configmap',
    on: 'kubernetes:core/v1:ConfigMap',
    at: 'data',
    broken: [
      { value: { 'key.pem': privateKey } },
      { value: { 'db.password': 'hunter2' } },
      { value: { 'application.yaml': 'server: 8080\ndatabase:\n  password: hunter2\n' } },
    ],
    fine: [
      { value: { 'application.yaml': 'database:\n  password: $(DATABASE_PASSWORD)\n  passwordFile: /run/secret\n' } },
      { value: { 'ca.pem': '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n' } },
    ],
    absent: 'passes',
  },
]);

describe('names and values of an environment', () => {
  const literal = kubernetes.policies.filter(({ id }) => id === 'k8s-no-literal-credentials');
  test.each([
    ['API_TOKEN', 'abc', true],
    ['API_TOKEN', '', false],
    ['API_TOKEN_FILE', '/run/token', false],
    ['TOKEN_URL', 'https://example.com/token', false],
    ['KEYS_SECRET', 'projects/p/secrets/issuer-keys', false],
    ['CA_KMS_KEY', 'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1', false],
    ['SIGNING_KEY', '/etc/keys/signing', false],
    ['SIGNING_KEY', 'c2lnbmluZyBrZXk', true],
    ['PASSWORD', '$(FROM_ELSEWHERE)', false],
    ['MONKEY', 'banana', false],
    ['HEADER', `eyJ${'a'.repeat(12)}.eyJ${'b'.repeat(12)}.signature`, true],
    ['PROXY', 'http://proxy.example.com:3128', false],
    ['PROXY', 'http://me:hunter2@proxy.example.com:3128', true],
    ['CACHE', 'redis://:hunter2@10.0.0.1:6379', true],
    ['CACHE', 'rediss://10.0.0.1:6379?auth=iam', false],
    ['MAIL', 'mailto:ops@example.com', false],
  ])('%s=%s is a credential: %s', (name, value, expected) => {
    const { fires } = said(literal, [
      fixture('kubernetes:core/v1:Pod', { spec: { containers: [{ env: [{ name, value }] }] } }),
    ]);
    expect(fires.length > 0).toBe(expected);
  });
});
