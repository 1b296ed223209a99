import { describe, expect, test } from 'vitest';
import { fixture, said } from '../../../policies/framework/testing.ts';
import { imagePolicies } from '../../../policies/kubernetes/images.ts';
import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { prove } from '../support/prove.ts';

const on = { type: 'kubernetes:apps/v1:Deployment', name: 'telemetry-pods' };
const pod = 'spec.template.spec';
const at = `${pod}.containers[0].image`;
const pinned = `europe-west1-docker.pkg.dev/p/r/api@sha256:${'0a'.repeat(32)}`;
const mounted = (reference: string) => ({ set: { [`${pod}.volumes[0]`]: { name: 'data', image: { reference } } } });

prove(imagePolicies, kubernetes.policies, [
  {
    policy: 'k8s-image-tag',
    on,
    at,
    broken: [
      { value: 'europe-west1-docker.pkg.dev/p/r/api' },
      { value: 'europe-west1-docker.pkg.dev/p/r/api:latest' },
      mounted('europe-west1-docker.pkg.dev/p/r/data'),
    ],
    fine: [{ value: 'europe-west1-docker.pkg.dev/p/r/api:1.2.3' }, { value: pinned }],
    absent: 'fires',
  },
  {
    policy: 'k8s-image-digest',
    on,
    given: { [at]: pinned },
    at,
    broken: [
      { value: 'europe-west1-docker.pkg.dev/p/r/api:1.2.3' },
      { value: 'europe-west1-docker.pkg.dev/p/r/api:sha256-0a' },
      mounted('europe-west1-docker.pkg.dev/p/r/data:1'),
    ],
    fine: [mounted(pinned), { set: { [`${pod}.volumes[0]`]: { name: 'data', emptyDir: {} } } }],
    absent: 'fires',
  },
  {
    policy: 'k8s-image-registry',
    on,
    given: { [at]: pinned },
    at,
    broken: [
      { value: `docker.io/library/nginx@sha256:${'0a'.repeat(32)}` },
      { value: `europe-west1-docker.pkg.dev.example.com/p/r/api@sha256:${'0a'.repeat(32)}` },
      mounted(`ghcr.io/someone/data@sha256:${'0a'.repeat(32)}`),
    ],
    fine: [{ value: `us-docker.pkg.dev/q/s/api@sha256:${'0a'.repeat(32)}` }, mounted(pinned)],
    absent: 'fires',
  },
]);

describe('registries that a team trusts', () => {
  const registry = kubernetes.policies.filter(({ id }) => id === 'k8s-image-registry');
  const trusted = (registries: readonly string[], image: string) => {
    const [policy] = registry.map((each) => ({
      ...each,
      settings: { registries: { default: registries, description: '' } },
    }));
    if (policy === undefined) throw new Error('no such policy');
    const { fires } = said([policy], [fixture('kubernetes:core/v1:Pod', { spec: { containers: [{ image }] } })]);
    return fires.length === 0;
  };
  test.each([
    ['nginx', 'docker.io/library/', true],
    ['someone/nginx:1', 'docker.io/library/', false],
    ['someone/nginx:1', 'docker.io/someone', true],
    ['docker.io/someone-else/nginx:1', 'docker.io/someone', false],
    ['localhost:5000/nginx', 'docker.io/', false],
    ['localhost:5000/nginx', 'localhost:5000/', true],
    ['example.com/nginx', 'example.com/', true],
    ['exampleXcom/nginx', 'example.com/', false],
    ['europe-docker.pkg.dev/project/repository/x', '*-docker.pkg.dev/project/*/', true],
    ['europe-docker.pkg.dev/other/repository/x', '*-docker.pkg.dev/project/*/', false],
  ])('%s by %s: %s', (image, registry, expected) => {
    expect(trusted([registry], image)).toBe(expected);
  });
});
