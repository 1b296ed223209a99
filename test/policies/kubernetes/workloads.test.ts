import { expect, test } from 'vitest';
import { judgeResource } from '../../../policies/framework/judge.ts';
import { quantity } from '../../../policies/framework/quantity.ts';
import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { workloadPolicies } from '../../../policies/kubernetes/workloads.ts';
import { fixture, prove } from '../support/prove.ts';

const on = { type: 'kubernetes:apps/v1:Deployment', name: 'gateway-pods' };
const pod = 'spec.template.spec';
const main = `${pod}.containers[0]`;
const first = `${pod}.initContainers[0]`;

prove(workloadPolicies, kubernetes.policies, [
  {
    policy: 'k8s-service-account-dedicated',
    on,
    at: `${pod}.serviceAccountName`,
    broken: [{ value: 'default' }, { value: '' }],
    fine: [{ set: { [`${pod}.serviceAccountName`]: undefined, [`${pod}.serviceAccount`]: 'gateway' } }],
    absent: 'fires',
  },
  {
    policy: 'k8s-no-token-automount',
    on,
    at: `${pod}.automountServiceAccountToken`,
    broken: [{ value: true }],
    absent: 'fires',
  },
  {
    policy: 'k8s-requests-set',
    on,
    at: `${main}.resources`,
    broken: [
      { set: { [`${main}.resources.requests.cpu`]: undefined, [`${main}.resources.limits.cpu`]: undefined } },
      { set: { [`${first}.resources.requests`]: undefined, [`${first}.resources.limits.cpu`]: undefined } },
    ],
    fine: [{ set: { [`${main}.resources.requests`]: undefined } }],
    absent: 'fires',
  },
  {
    policy: 'k8s-memory-limit',
    on,
    at: `${main}.resources.limits.memory`,
    broken: [
      { set: { [`${main}.resources.limits.memory`]: '4Gi', [`${main}.resources.requests.memory`]: '1Gi' } },
      { value: 'much' },
      { set: { [`${first}.resources.limits.memory`]: undefined } },
    ],
    fine: [
      { set: { [`${main}.resources.limits.memory`]: '2Gi', [`${main}.resources.requests.memory`]: '1024Mi' } },
      { set: { [`${main}.resources.requests.memory`]: undefined } },
    ],
    absent: 'fires',
  },
  {
    policy: 'k8s-resource-ceiling',
    on,
    at: `${main}.resources.requests.cpu`,
    broken: [
      { value: '8001m' },
      { set: { [`${main}.resources`]: { requests: { cpu: '1', memory: '33Gi' }, limits: { memory: '33Gi' } } } },
      { set: { [`${first}.resources.requests.ephemeral-storage`]: '11Gi' } },
      // A limit alone is what is asked for.
      { set: { [`${main}.resources.requests.cpu`]: undefined, [`${main}.resources.limits.cpu`]: 9 } },
    ],
    fine: [{ value: 8 }, { value: '8000m' }, { value: '7.5' }],
    absent: 'passes',
  },
  {
    policy: 'k8s-liveness-readiness',
    on,
    at: `${main}.readinessProbe.httpGet.path`,
    broken: [
      { value: '/healthz' },
      { set: { [`${main}.readinessProbe`]: undefined } },
      { set: { [`${main}.livenessProbe`]: {} } },
      // A sidecar lives as long as the pod.
      { set: { [`${first}.livenessProbe`]: undefined } },
    ],
    fine: [
      { value: '/other' },
      { set: { [`${first}.livenessProbe`]: undefined, [`${first}.restartPolicy`]: undefined } },
    ],
    absent: 'passes',
  },
  {
    policy: 'k8s-no-naked-pods',
    on: fixture('kubernetes:apps/v1:ReplicaSet', {
      metadata: { name: 'r', namespace: 'n', ownerReferences: [{ kind: 'Deployment', name: 'd' }] },
    }),
    at: 'metadata.ownerReferences',
    broken: [{ value: [] }],
    unknown: 'passes',
    absent: 'fires',
  },
]);

test('a ceiling that is no quantity is told, and not taken for none', () => {
  const [ceiling] = workloadPolicies.filter(({ id }) => id === 'k8s-resource-ceiling');
  const pod = fixture('kubernetes:core/v1:Pod', { spec: { containers: [{ resources: { requests: { cpu: 9 } } }] } });
  expect(() => judgeResource(ceiling as never, pod, { cpu: 'much' })).toThrow(/"cpu" is no quantity/);
  expect(judgeResource(ceiling as never, pod, { cpu: '10' })?.violations).toEqual([]);
});

test.each([
  ['1536Mi', 1536 * 2 ** 20],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['250m', 0.25],
  ['1e3', 1000],
  ['5E', 5e18],
  ['1Ei', 2 ** 60],
  ['.5', 0.5],
  [2, 2],
  ['-1', -1],
  ['', null],
  ['much', null],
  ['1 Gi', null],
  ['1gi', null],
  [undefined, null],
  [null, null],
  [{}, null],
])('quantity %j is %j', (text, number) => expect(quantity(text)).toBe(number));
