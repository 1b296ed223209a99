import { describe, expect, it } from 'vitest';
import { parseCloudSql, redisUrlProblem } from '../../runtime/contracts/settings/cloud.ts';
import {
  ApiSettings,
  AuthoritySettings,
  CertificatesSettings,
  DevicesSettings,
  MigrateSettings,
} from '../../runtime/contracts/settings/services.ts';
import { readSettings } from '../../runtime/platform/service/settings.ts';

const sql = 'cloudsql:my-project:europe-west1:iot-dev-core-1a2b/core?user=iot-dev-devices@my-project.iam';
const key = 'projects/my-project/locations/europe-west1/keyRings/ring/cryptoKeys/issuing/cryptoKeyVersions/1';
const pool = 'projects/my-project/locations/europe-west1/caPools/root';
const secret = 'projects/my-project/secrets/iot-dev-issuer-keys';
const common = { IOT_INSTANCE: 'x', IOT_HEALTH_PORT: '8081' };
const devices = {
  ...common,
  IOT_PUBSUB_PROJECT: 'my-project',
  IOT_REDIS_URL: 'rediss://10.0.0.5:6379?auth=iam',
  IOT_REDIS_CA_FILE: '/etc/iot/cache/ca.pem',
  IOT_CALLER_KEYS: 'https://container.googleapis.com/v1/jwks',
  IOT_CALLER_ISSUER: 'https://container.googleapis.com/v1',
  IOT_CALLER_NAMESPACE: 'iot-dev',
  IOT_CORE_DATABASE_URL: sql,
  IOT_HTTP_PORT: '8080',
};
const api = {
  ...common,
  IOT_REDIS_URL: 'redis://127.0.0.1:6379',
  IOT_CORE_DATABASE_URL: sql,
  IOT_HTTP_PORT: '8080',
  IOT_IDENTITY_DIR: '/var/run/iot/identity',
  IOT_DEVICES_URL: 'http://devices',
  IOT_TELEMETRY_URL: 'http://telemetry',
  IOT_PUBLIC_URL: 'https://api.example.com',
};

describe('the settings of the cloud', () => {
  it('take the form that the stack writes', () => {
    const read = readSettings('devices', DevicesSettings, { ...devices, IOT_CA_KMS_KEY: key, IOT_CA_ROOT_POOL: pool });
    expect(read).toMatchObject({
      IOT_DEVICE_CERTIFICATES: 'kms',
      IOT_DOCUMENTS: 'postgres',
      IOT_CORE_DATABASE_URL: sql,
    });
    const firestore = 'firestore:projects/my-project/databases/iot-dev-1a2b';
    expect(
      readSettings('devices', DevicesSettings, {
        ...devices,
        IOT_DEVICE_CERTIFICATES: 'cas',
        IOT_DEVICE_CA_POOL: pool,
        IOT_DOCUMENTS: firestore,
      }).IOT_DOCUMENTS,
    ).toBe(firestore);
    expect(readSettings('api', ApiSettings, { ...api, IOT_KEYS_SECRET: secret }).IOT_KEYS_SECRET).toBe(secret);
    const names = { IOT_SERVER_NAMES: 'mqtt.example.com, mqtt-2.example.com' };
    expect(
      readSettings('certificates', CertificatesSettings, {
        ...common,
        ...names,
        IOT_TLS_DIR: '/tls',
        IOT_SERVER_CA_POOL: pool,
        IOT_IDENTITY_DIR: '/var/run/iot/identity',
        IOT_DEVICES_URL: 'http://devices',
      }).IOT_SERVER_NAMES,
    ).toEqual(['mqtt.example.com', 'mqtt-2.example.com']);
    const jobs = { IOT_INSTANCE: 'migrate', IOT_CORE_DATABASE_URL: sql };
    readSettings('jobs authority', AuthoritySettings, { ...jobs, IOT_CA_KMS_KEY: key, IOT_CA_ROOT_POOL: pool });
    const roles = { devices: 'iot-dev-devices@my-project.iam' };
    expect(
      readSettings('jobs migrate', MigrateSettings, {
        ...jobs,
        IOT_SHARD_DATABASE_URLS: `a=${sql},b=postgres://localhost/b`,
        IOT_DATABASE_ROLES: JSON.stringify(roles),
      }),
    ).toMatchObject({ IOT_DATABASE_ROLES: roles, IOT_SHARD_DATABASE_URLS: { a: sql } });
  });

  it.each([
    ['no authority', DevicesSettings, devices, 'IOT_CA_DIR is not set: set it, or IOT_CA_KMS_KEY'],
    [
      'two',
      DevicesSettings,
      { ...devices, IOT_CA_DIR: '/ca', IOT_CA_KMS_KEY: key, IOT_CA_ROOT_POOL: pool },
      'not both',
    ],
    [
      'a key without a root',
      DevicesSettings,
      { ...devices, IOT_CA_KMS_KEY: key },
      'IOT_CA_ROOT_POOL is not set: needed',
    ],
    [
      'cas without its pool',
      DevicesSettings,
      { ...devices, IOT_DEVICE_CERTIFICATES: 'cas' },
      'IOT_DEVICE_CA_POOL is not',
    ],
    [
      'a key without its version',
      DevicesSettings,
      { ...devices, IOT_CA_KMS_KEY: key.replace(/\/cryptoKeyVersions.*/, ''), IOT_CA_ROOT_POOL: pool },
      'cryptoKeyVersions/NUMBER',
    ],
    ['no keys', ApiSettings, api, 'exactly one of IOT_KEYS_DIR and IOT_KEYS_SECRET'],
    ['keys twice', ApiSettings, { ...api, IOT_KEYS_DIR: '/k', IOT_KEYS_SECRET: secret }, 'exactly one of'],
    [
      'a version of a secret',
      ApiSettings,
      { ...api, IOT_KEYS_SECRET: `${secret}/versions/1` },
      'projects/PROJECT/secrets',
    ],
    [
      'an administrator where people come from elsewhere',
      ApiSettings,
      { ...api, IOT_OIDC_ISSUER: 'https://id.example.com', IOT_FIRST_ADMIN_SECRET: secret },
      'people come from IOT_OIDC_ISSUER',
    ],
    [
      'another host for Google',
      ApiSettings,
      { ...api, IOT_KEYS_DIR: '/k', IOT_GOOGLE_ENDPOINT: 'http://evil.example' },
      'never another host',
    ],
    [
      'a host that only begins as loopback',
      ApiSettings,
      { ...api, IOT_KEYS_DIR: '/k', IOT_GOOGLE_ENDPOINT: 'http://127.0.0.1.evil.example' },
      'never another host',
    ],
    [
      'a loopback user name',
      ApiSettings,
      { ...api, IOT_KEYS_DIR: '/k', IOT_GOOGLE_ENDPOINT: 'http://127.0.0.1@evil.example' },
      'never another host',
    ],
  ])('refuses %s', (_what, schema, env, said) => {
    expect(() => readSettings('x', schema, env as Record<string, string>)).toThrow(said);
  });

  it('shows the wrong name of a secret, which is no secret, and no database URL', () => {
    expect(() => readSettings('api', ApiSettings, { ...api, IOT_KEYS_SECRET: 'projects/p' })).toThrow("'projects/p'");
    const bad = { ...api, IOT_KEYS_DIR: '/k', IOT_CORE_DATABASE_URL: 'mysql://me:hunter2@host/db' };
    expect(() => readSettings('api', ApiSettings, bad)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
    );
  });
});

describe('a cloudsql: URL', () => {
  it('has an instance, a database and a user', () => {
    const parts = {
      instance: 'my-project:europe-west1:iot-dev-core-1a2b',
      database: 'core',
      user: 'iot-dev-devices@my-project.iam',
    };
    expect(parseCloudSql(sql)).toEqual(parts);
    expect(parseCloudSql(sql.replace('@', '%40'))).toEqual(parts);
  });
  it.each([
    'cloudsql:p:r:i/core',
    sql.replace('?user=', '?password='),
    `${sql}&password=x`,
    sql.replace('.iam', '.iam.gserviceaccount.com'),
    sql.replace('europe-west1:', ''),
    sql.replace('/core', '/core/x'),
  ])('is not %s', (text) => {
    expect(parseCloudSql(text)).toBeUndefined();
  });
});

it.each([
  ['redis://127.0.0.1:6379', undefined],
  ['rediss://me:secret@host:6379', undefined],
  ['rediss://10.0.0.5:6379?auth=iam', undefined],
  ['redis://10.0.0.5:6379?auth=iam', 'needs rediss://'],
  ['rediss://:secret@10.0.0.5:6379?auth=iam', 'no password'],
  ['rediss://10.0.0.5:6379?auth=none', 'allowed is'],
  ['http://10.0.0.5:6379', 'allowed is'],
])('%s as a Redis URL: %s', (text, problem) => {
  if (problem === undefined) expect(redisUrlProblem(text)).toBeUndefined();
  else expect(redisUrlProblem(text)).toContain(problem);
});
