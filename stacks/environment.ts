import { Network } from '../infra/network/network.ts';
import { providerList, providersOf } from '../infra/providers.ts';
import { environmentOf } from '../infra/settings/environment.ts';
import type { EnvironmentSettings } from '../infra/settings/schema.ts';
import { historyOf } from './history.ts';
import type { Log } from './index.ts';

/** A whole environment: from an empty project to a platform that takes devices. */
export async function environment(stack: string, settings: EnvironmentSettings, log: Log) {
  const { environment, loosened } = environmentOf(stack, settings, await historyOf(stack));
  for (const { path, safe, given } of loosened)
    log.warn(
      `hardening ${path} is ${given}, and the default is ${safe}: docs/reference/hardening.md says what that opens`,
    );
  const providers = providersOf(environment);
  const options = { providers: providerList(providers) };

  const network = new Network('network', { environment }, options);

  return {
    deployed: {
      tier: environment.tier.name,
      shards: environment.plan.database.shards,
      region: environment.region,
      project: environment.project,
    },
    network: network.vpc.id,
  };
}
