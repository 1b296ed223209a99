import type * as pulumi from '@pulumi/pulumi';
import type { Environment } from '../../../infra/environment.ts';
import { providerList, providersOf } from '../../../infra/providers.ts';
import { type Recording, type Registration, record } from '../../../infra/recording/record.ts';
import { environmentOf } from '../../../infra/settings/environment.ts';
import { EnvironmentSettings } from '../../../infra/settings/schema.ts';
import type { TierName } from '../../../infra/tiers.ts';

export type ComponentGiven = {
  tier: TierName;
  mode?: 'up' | 'preview';
  /** Settings as the program has them after reading: `{ devices: 55_000, domain: 'iot.example.com' }`. */
  settings?: Partial<EnvironmentSettings>;
  stack?: string;
};

/** An environment of a tier with only what it has to have, and what the test is about. */
export function environmentFor({ tier, settings = {}, stack = tier }: ComponentGiven): Environment {
  const needsDomain = tier === 'staging' || tier === 'prod';
  const given = EnvironmentSettings.parse({
    tier,
    project: `iot-${tier}-1`,
    region: 'europe-west1',
    ...(needsDomain ? { domain: `${tier}.iot.example.com` } : {}),
    ...settings,
  });
  return environmentOf(stack, given, null).environment;
}

/** One component, or a few, under the recorder: everything they would register, up or preview. */
export function recordComponent(
  given: ComponentGiven,
  program: (environment: Environment, options: pulumi.ComponentResourceOptions) => Record<string, unknown> | undefined,
): Promise<Recording> {
  const environment = environmentFor(given);
  return record({
    project: 'iot-platform',
    stack: environment.name,
    config: { 'iot-platform:project': environment.project },
    mode: given.mode ?? 'up',
    program: async () => program(environment, { providers: providerList(providersOf(environment)) }) ?? {},
  });
}

/** The one registration of a type, or of a type and name. @throws Error naming those there are. */
export function only({ registrations }: Recording, type: string, name?: string): Registration {
  const found = registrations.filter((each) => each.type === type && (name === undefined || each.name === name));
  const [first] = found;
  if (first === undefined || found.length > 1)
    throw new Error(
      `expected one ${type}${name === undefined ? '' : ` named ${name}`}, found ${found.length}; there are ${registrations
        .filter((each) => each.type === type)
        .map((each) => each.name)
        .join(', ')}`,
    );
  return first;
}

export const ofType = ({ registrations }: Recording, type: string): readonly Registration[] =>
  registrations.filter((each) => each.type === type);
