import { expect, test, vi } from 'vitest';
import { recordEnvironment } from './support/environments.ts';

/** A cloud that gives ids and computes nothing: no endpoints, no authorities, no addresses of agents. */
vi.mock('../../infra/recording/computed.ts', async (original) => {
  const real = await original<typeof import('../../infra/recording/computed.ts')>();
  return {
    ...real,
    computedOutputs: (args: Parameters<typeof real.computedOutputs>[0]) => {
      const { id, state } = real.computedOutputs(args);
      return { id, state: args.type.startsWith('gcp:') ? {} : state };
    },
  };
});

test.each(['dev', 'prod'] as const)(
  'tier %s goes up in a cloud that computes nothing, when objects are rendered',
  async (tier) => {
    const { outputs } = await recordEnvironment({
      tier,
      settings: { pushImages: false, renderKubernetesTo: '/rendered' },
    });
    expect(outputs).toMatchObject({ deployed: { tier }, cluster: { endpoint: 'https://control-plane.invalid' } });
  },
);
