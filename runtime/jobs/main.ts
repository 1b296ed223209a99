import {
  AuthoritySettings,
  LaneSettings,
  MigrateSettings,
  RetentionSettings,
  SweepSettings,
} from '../contracts/settings/jobs.ts';
import { ProbeClientSettings } from '../contracts/settings/probe.ts';
import { connectGoogle } from '../platform/google/google.ts';
import { openSecret } from '../platform/google/secret.ts';
import { ensureAuthority } from './authority.ts';
import { makeLane, sweepLanes } from './lane.ts';
import { migrateAll, withPool } from './migrate.ts';
import { ensureProbeClient } from './probe-client.ts';
import { retain } from './retention.ts';
import { type Job, jobOf, runJob } from './run.ts';

const jobs: Readonly<Record<string, Job>> = {
  migrate: jobOf(MigrateSettings, (settings, log) =>
    migrateAll(
      {
        coreUrl: settings.IOT_CORE_DATABASE_URL,
        shardUrls: settings.IOT_SHARD_DATABASE_URLS,
        roles: settings.IOT_DATABASE_ROLES ?? null,
        google: settings.IOT_GOOGLE_ENDPOINT,
      },
      log,
    ),
  ),
  authority: jobOf(AuthoritySettings, async (settings, log) => {
    await ensureAuthority(settings, log);
  }),
  retention: jobOf(RetentionSettings, async (settings, log) => {
    await retain(
      {
        shardUrls: settings.IOT_SHARD_DATABASE_URLS,
        keepDays: {
          readings: settings.IOT_RETENTION_DAYS,
          rollups: settings.IOT_ROLLUP_RETENTION_DAYS,
          resolvedLetters: settings.IOT_RESOLVED_LETTER_DAYS,
        },
        google: settings.IOT_GOOGLE_ENDPOINT,
      },
      Date.now(),
      log,
    );
  }),
  'probe-client': jobOf(ProbeClientSettings, (settings, log) => {
    const { IOT_CORE_DATABASE_URL: url, IOT_GOOGLE_ENDPOINT: endpoint, IOT_PROBE_CLIENT: box } = settings;
    const secret = openSecret(connectGoogle({ endpoint }), box);
    return withPool({ name: 'core', url, google: endpoint }, log, (pool) => ensureProbeClient(pool, secret, log));
  }),
  lane: jobOf(LaneSettings, (settings, log) =>
    makeLane(
      {
        coreUrl: settings.IOT_CORE_DATABASE_URL,
        shardUrls: settings.IOT_SHARD_DATABASE_URLS,
        until: settings.IOT_LANE_UNTIL,
        roles: settings.IOT_DATABASE_ROLES ?? null,
        google: settings.IOT_GOOGLE_ENDPOINT,
      },
      log,
    ),
  ),
  sweep: jobOf(SweepSettings, async (settings, log) => {
    const urls = [settings.IOT_CORE_DATABASE_URL, ...Object.values(settings.IOT_SHARD_DATABASE_URLS)];
    await sweepLanes({ urls, google: settings.IOT_GOOGLE_ENDPOINT }, Date.now(), log);
  }),
};

process.exit(await runJob(jobs, process.argv.slice(2), process.env));
