import { describe, expect, test } from 'vitest';
import { fixture, notKnownYet, said, withValue } from '../../../policies/framework/testing.ts';
import { kubernetes } from '../../../policies/kubernetes/policies.ts';

const privileged = kubernetes.policies.filter(({ id }) => id === 'k8s-no-privileged');

/** Each kind that makes pods, and where it keeps what they are. */
const kinds = [
  ['kubernetes:core/v1:Pod', 'spec'],
  ['kubernetes:core/v1:PodTemplate', 'template.spec'],
  ['kubernetes:core/v1:ReplicationController', 'spec.template.spec'],
  ['kubernetes:apps/v1:Deployment', 'spec.template.spec'],
  ['kubernetes:apps/v1:StatefulSet', 'spec.template.spec'],
  ['kubernetes:apps/v1:DaemonSet', 'spec.template.spec'],
  ['kubernetes:apps/v1:ReplicaSet', 'spec.template.spec'],
  ['kubernetes:extensions/v1beta1:Deployment', 'spec.template.spec'],
  ['kubernetes:batch/v1:Job', 'spec.template.spec'],
  ['kubernetes:batch/v1:CronJob', 'spec.jobTemplate.spec.template.spec'],
  ['kubernetes:batch/v1beta1:CronJob', 'spec.jobTemplate.spec.template.spec'],
] as const;
const lists = ['containers', 'initContainers', 'ephemeralContainers'] as const;

describe.each(kinds)('%s', (type, spec) => {
  const about = (path: string, value: unknown) =>
    said(privileged, [fixture(type, withValue({}, `${spec}.${path}`, value))]);

  test.each(lists)('reads %s', (list) => {
    const clean = { name: 'clean' };
    const dirty = { name: 'dirty', securityContext: { privileged: true } };
    expect(about(list, [clean, dirty]).fires).toEqual(['k8s-no-privileged']);
    expect(about(list, [clean])).toEqual({ fires: [], undecided: [] });
    expect(about(list, notKnownYet).undecided).toEqual(['k8s-no-privileged']);
    expect(about(list, [clean, notKnownYet]).undecided).toEqual(['k8s-no-privileged']);
    expect(about(list, [notKnownYet, dirty]).fires).toEqual(['k8s-no-privileged']);
  });
});

test('a pod that is unknown as a whole is decided by no policy of pods', () => {
  const pods = kubernetes.policies.filter((each) => each.kind === 'resource' && String(each.types).includes('CronJob'));
  const { fires } = said(pods, [
    fixture('kubernetes:apps/v1:Deployment', { metadata: { namespace: 'n' }, spec: { template: notKnownYet } }),
  ]);
  expect(fires).toEqual([]);
});

test.each(['kubernetes:core/v1:Service', 'kubernetes:apps/v1:ControllerRevision', 'gcp:compute/instance:Instance'])(
  'says nothing about %s',
  (type) => {
    const props = { spec: { containers: [{ securityContext: { privileged: true } }] } };
    expect(said(privileged, [fixture(type, props)]).fires).toEqual([]);
  },
);
