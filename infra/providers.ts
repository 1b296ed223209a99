import * as command from '@pulumi/command';
import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import * as random from '@pulumi/random';
import type { Environment } from './environment.ts';

export type Providers = {
  gcp: gcp.Provider;
  random: random.Provider;
  command: command.Provider;
};

/** One explicit provider each: nothing lands where the shell's own settings point to. The cluster brings the fourth, kubernetes. */
export function providersOf(environment: Environment): Providers {
  return {
    gcp: new gcp.Provider('gcp', {
      project: environment.project,
      region: environment.region,
      defaultLabels: { ...environment.labels },
      addPulumiAttributionLabel: false,
      // Calls for budgets and monitoring count against this project, not that of the person's credentials.
      userProjectOverride: true,
      billingProject: environment.project,
    }),
    random: new random.Provider('random', {}),
    command: new command.Provider('command', {}),
  };
}

/** As an option of a component: its children find their provider by package. */
export const providerList = (providers: Providers): pulumi.ProviderResource[] => Object.values(providers);
