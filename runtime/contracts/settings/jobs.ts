import { z } from 'zod';
import { caPoolResource, certificateTemplateResource, googleEndpoint, keyVersionResource } from './cloud.ts';
import { commonSettings, coreDatabase, shardDatabases, whole } from './common.ts';

/** What a job has of the common settings: it serves no health port and ends by itself. */
const jobSettings = {
  IOT_INSTANCE: commonSettings.IOT_INSTANCE,
  IOT_LOG_LEVEL: commonSettings.IOT_LOG_LEVEL,
  IOT_GOOGLE_ENDPOINT: googleEndpoint().optional(),
};

/** `{"devices":"iot-dev-devices@my-project.iam",…}`: which database user each service logs in as. */
const databaseRoles = z.string().transform((text, context) => {
  const allowed = 'allowed is a JSON object of service to database user, as {"devices":"iot-devices@my-project.iam"}';
  try {
    const roles = z
      .record(z.string().regex(/^[a-z][a-z0-9-]{0,30}$/), z.string().min(1).max(63))
      .parse(JSON.parse(text));
    return Object.freeze(roles);
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof z.ZodError)) throw error;
    context.addIssue(allowed);
    return z.NEVER;
  }
});

/** `jobs migrate`: newest schema and grants, before new code serves. */
export const MigrateSettings = z.object({
  ...jobSettings,
  ...coreDatabase,
  ...shardDatabases,
  /** Users that get their service's grants; without it none are made (one machine: every service is the owner). */
  IOT_DATABASE_ROLES: databaseRoles.optional(),
});

/** `jobs retention`: drops what is older than it may be, makes partitions ahead. */
export const RetentionSettings = z.object({
  ...jobSettings,
  ...coreDatabase,
  ...shardDatabases,
  IOT_RETENTION_DAYS: whole(30, 1, 3_650),
  IOT_ROLLUP_RETENTION_DAYS: whole(400, 1, 3_650),
  /** How long dead letters are kept that were replayed or discarded; open ones are kept for good. */
  IOT_RESOLVED_LETTER_DAYS: whole(30, 1, 3_650),
});

/** `jobs authority`: has the root sign the issuing CA's key in KMS, and stores the chain. */
export const AuthoritySettings = z.object({
  ...jobSettings,
  ...coreDatabase,
  IOT_CA_KMS_KEY: keyVersionResource(),
  IOT_CA_ROOT_POOL: caPoolResource(),
  /**
   * Goes into the request as `certificateTemplate`: it makes the answer a CA for devices and nothing else, and the root
   * signs nothing without it where the grant on the pool names it (infra/authority).
   */
  IOT_CA_TEMPLATE: certificateTemplateResource().optional(),
  /** Life of the issuing CA's certificate; not more than the pool and the template allow. */
  IOT_CA_YEARS: whole(10, 1, 30),
});

/** `jobs lane`: databases of a preview, each copied from a template that has the newest schema. */
export const LaneSettings = z.object({
  ...jobSettings,
  ...coreDatabase,
  ...shardDatabases,
  /** When the lane ends: `jobs sweep` drops its databases from then on. */
  IOT_LANE_UNTIL: z.iso.datetime('allowed is a time in UTC as 2026-11-23T12:00:00Z'),
  IOT_DATABASE_ROLES: databaseRoles.optional(),
});

/** `jobs sweep`: drops the databases of lanes that are over. */
export const SweepSettings = z.object({ ...jobSettings, ...coreDatabase, ...shardDatabases });
