import { expect, test } from 'vitest';
import { type Computed, computedOutputs } from '../../infra/recording/computed.ts';
import { recordEnvironment } from './support/environments.ts';

/** A cloud that gives ids and computes nothing: no endpoints, no authorities, no addresses of agents. */
const poor: Computed = (args) => {
  const { id, state } = computedOutputs(args);
  return { id, state: args.type.startsWith('gcp:') ? {} : state };
};

test.each(['dev', 'prod'] as const)(
  'tier %s goes up in a cloud that computes nothing, when objects are rendered',
  async (tier) => {
    const { outputs } = await recordEnvironment({
      tier,
      settings: { pushImages: false, renderKubernetesTo: '/rendered' },
      computed: poor,
    });
    expect(outputs).toMatchObject({ deployed: { tier }, cluster: { endpoint: 'https://control-plane.invalid' } });
  },
);
