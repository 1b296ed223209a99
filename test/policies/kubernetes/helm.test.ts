import { expect, test } from 'vitest';
import { judgeResource } from '../../../policies/framework/judge.ts';
import { helmPolicies } from '../../../policies/kubernetes/helm.ts';
import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { fixture, prove } from '../support/prove.ts';

const release = fixture('kubernetes:helm.sh/v3:Release', { chart: 'ingress-nginx', namespace: 'edge' });

prove(helmPolicies, kubernetes.policies, [
  {
    policy: 'k8s-helm-release-visible',
    // A chart as a component says nothing by itself: its objects do.
    on: fixture('kubernetes:helm.sh/v4:Chart', { chart: 'ingress-nginx', namespace: 'edge' }),
    at: 'chart',
    broken: [{ resource: release }],
    unknown: 'passes',
    absent: 'passes',
  },
]);

test('a chart that the team has read may be a Release; another one, or one that is not known, may not', () => {
  const [policy] = helmPolicies;
  const about = (chart: unknown) =>
    judgeResource(policy as never, { ...release, props: { chart } }, { charts: ['ingress-nginx'] });
  expect(about('ingress-nginx')?.violations).toEqual([]);
  expect(about('other')?.violations).toHaveLength(1);
  expect(about('04da6b54-80e4-46f7-96ec-b56ff0331ba9')).toMatchObject({ violations: [], undecided: ['chart'] });
});
