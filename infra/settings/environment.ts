import type { Environment } from '../environment.ts';
import { hardeningOf, type Loosened } from '../hardening.ts';
import { environmentName } from '../plan/names.ts';
import { planOf } from '../plan/plan.ts';
import { type TierName, tiers, unprotected } from '../tiers.ts';
import { StackSettingsError } from './read.ts';
import type { EnvironmentSettings } from './schema.ts';

/** What the stack was at its last `up`; null: it has never been up. Comes from the stack's own outputs. */
export type History = { tier: TierName; shards: number; region: string; project: string } | null;

/**
 * Settings and history to one typed value. Pure: the same for tests, `iot plan`, `iot render` and the program.
 * @throws StackSettingsError with every rule that crosses fields, before anything is created.
 */
export function environmentOf(
  name: string,
  settings: EnvironmentSettings,
  history: History,
): { environment: Environment; loosened: readonly Loosened[] } {
  const problems: string[] = [];
  if (!environmentName.test(name))
    problems.push(
      `the stack's name is '${name}': allowed are 2 to 16 of a-z, 0-9 and -, beginning with a letter; it begins every resource's name`,
    );
  const tier = settings.protection === 'off' ? unprotected(tiers[settings.tier]) : tiers[settings.tier];
  if (tier.needsDomain && settings.domain === undefined)
    problems.push(
      `domain is not set: tier ${tier.name} needs one, devices and people reach it by name; set domain to one you own, as iot.example.com`,
    );
  const scanImages = settings.scanImages === 'tier' ? tier.images.scanned : settings.scanImages === 'on';
  const planned = planOf({
    tier,
    devices: settings.devices,
    messagesPerDevicePerMinute: settings.messagesPerDevicePerMinute,
    clusterMode: settings.clusterMode,
    deviceCertificates: settings.deviceCertificates,
    shards: settings.shards ?? null,
    publicEdge: settings.domain !== undefined,
    scanImages,
  });
  problems.push(...planned.problems);
  problems.push(...againstHistory(settings, planned.plan.database.shards, history));
  if (problems.length > 0) throw new StackSettingsError(name, problems);
  const hardening = hardeningOf(settings.hardening as Parameters<typeof hardeningOf>[0]);
  return {
    environment: {
      name,
      project: settings.project,
      region: settings.region,
      tier,
      plan: planned.plan,
      hardening: hardening.values,
      labels: { environment: name, tier: tier.name, owner: settings.owner, 'managed-by': 'pulumi', platform: 'iot' },
      domain: settings.domain ?? null,
      dnsZone: settings.dnsZone,
      clusterMode: settings.clusterMode,
      deviceCertificates: settings.deviceCertificates,
      administrators: settings.administrators,
      egressAllow: settings.egressAllow,
      alertEmails: settings.alertEmails,
      budget: settings.budget ?? null,
      ci: settings.ci ?? null,
      oidc: settings.oidc ?? null,
      images: settings.images as Readonly<Record<string, string>>,
      pushImages: settings.pushImages,
      scanImages,
      traces: settings.traces,
      renderKubernetesTo: settings.renderKubernetesTo ?? null,
    },
    loosened: hardening.loosened,
  };
}

/** What an `up` must never do by a changed setting. */
function againstHistory(settings: EnvironmentSettings, shards: number, history: History): string[] {
  if (history === null) return [];
  const problems: string[] = [];
  if (loses(history.tier, settings.tier))
    problems.push(
      `tier is '${settings.tier}', and the stack is up as ${history.tier}: protection and redundancy would go from what holds data. Leave tier at ${history.tier}; to end the environment set protection to off and destroy it (docs/how-to/destroy.md)`,
    );
  if (shards < history.shards)
    problems.push(
      `shards is ${shards}, and the stack is up with ${history.shards}: the databases above ${shards} hold readings. Set shards to ${history.shards} or more (a smaller fleet keeps them: set it in the stack's file)`,
    );
  for (const key of ['region', 'project'] as const)
    if (settings[key] !== history[key])
      problems.push(
        `${key} is '${settings[key]}', and the stack is up in '${history[key]}': every resource would be replaced, data included. Set it back, or make a new stack`,
      );
  return problems;
}

/** Whether a change of tier takes protection, a standby or a recovery window from data that is there. */
function loses(before: TierName, after: TierName): boolean {
  const [was, is] = [tiers[before], tiers[after]];
  return (
    (was.lifecycle.protect && !is.lifecycle.protect) ||
    (was.database.availability === 'REGIONAL' && is.database.availability === 'ZONAL') ||
    (was.database.backups?.pointInTimeDays ?? 0) > (is.database.backups?.pointInTimeDays ?? 0)
  );
}
