import * as pulumi from '@pulumi/pulumi';
import { describe, expect, test } from 'vitest';
import { checked, type SettingsOf, variablesOf } from '../../../infra/workloads/settings.ts';
import { DevicesSettings, TelemetrySettings } from '../../../runtime/contracts/settings/services.ts';

const given = {
  IOT_NAMESPACE: 'dev',
  IOT_BIND: '0.0.0.0',
  IOT_HEALTH_PORT: 9090,
  IOT_REDIS_URL: 'rediss://10.2.0.5:6379?auth=iam',
  IOT_PUBSUB_PROJECT: 'iot-dev-1',
  IOT_CORE_DATABASE_URL: 'cloudsql:iot-dev-1:europe-west1:dev-core/core?user=dev-telemetry@iot-dev-1.iam',
  IOT_SHARD_DATABASE_URLS: 'shard_0=cloudsql:iot-dev-1:europe-west1:dev-0/shard_0?user=dev-telemetry@iot-dev-1.iam',
  IOT_HTTP_PORT: 8082,
  IOT_CALLER_KEYS: 'https://container.googleapis.com/v1/jwks',
  IOT_CALLER_ISSUER: 'https://container.googleapis.com/v1',
  IOT_CALLER_NAMESPACE: 'iot-dev',
  IOT_IDENTITY_DIR: '/var/run/iot/identity',
  IOT_DEVICES_URL: 'http://devices.iot-dev.svc:8081',
};

describe("a container's variables", () => {
  test('are sorted, and the instance is the name of the pod', () => {
    const variables = variablesOf('telemetry', TelemetrySettings, given);
    const names = variables.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(variables).toContainEqual({ name: 'IOT_HTTP_PORT', value: '8082' });
    expect(variables).toContainEqual({
      name: 'IOT_INSTANCE',
      valueFrom: { fieldRef: { fieldPath: 'metadata.name' } },
    });
  });

  test('a setting that the service does not have, a wrong value and a missing one are refused together', () => {
    const { IOT_REDIS_URL: _, ...without } = given;
    const wrong = { ...without, IOT_HTTP_PROT: 1, IOT_HTTP_PORT: 70_000 };
    expect(() => variablesOf('telemetry', TelemetrySettings, wrong)).toThrow(
      /^settings of telemetry: (?=.*IOT_HTTP_PROT is not a setting)(?=.*IOT_HTTP_PORT: a port is 1 to 65535)(?=.*IOT_REDIS_URL: )/,
    );
  });

  test('rules across settings are checked', () => {
    const devices = {
      ...given,
      IOT_SHARD_DATABASE_URLS: undefined,
      IOT_DEVICES_URL: undefined,
      IOT_IDENTITY_DIR: undefined,
    };
    expect(() => variablesOf('devices', DevicesSettings, devices)).toThrow(/set it, or IOT_CA_KMS_KEY/);
  });

  test('outputs are checked with the rest as soon as they are known', async () => {
    const { IOT_REDIS_URL: _, ...rest } = given;
    expect(() =>
      checked('telemetry', TelemetrySettings, { ...rest, IOT_REDIS_URL: 'redis://h:6379?auth=iam' }),
    ).toThrow(/settings of telemetry.*unencrypted/);
    const [found] = variablesOf('telemetry', TelemetrySettings, {
      ...rest,
      IOT_REDIS_URL: pulumi.output(given.IOT_REDIS_URL),
    })
      .filter(({ name }) => name === 'IOT_REDIS_URL')
      .map((variable) => ('value' in variable ? variable.value : ''));
    const value = await new Promise((resolve) => pulumi.output(found).apply(resolve));
    expect(value).toBe(given.IOT_REDIS_URL);
  });

  test('a misspelt, a missing and a foreign setting do not compile', () => {
    type Telemetry = SettingsOf<typeof TelemetrySettings>;
    const { IOT_NAMESPACE: _n, IOT_BIND: _b, IOT_HEALTH_PORT: _h, ...own } = given;
    const right: Telemetry = own;
    // @ts-expect-error misspelt
    const misspelt: Telemetry = { ...own, IOT_HTTP_PROT: 1 };
    // @ts-expect-error IOT_REDIS_URL is missing
    const missing: Telemetry = { ...own, IOT_REDIS_URL: undefined };
    // @ts-expect-error of another service
    const foreign: Telemetry = { ...own, IOT_CA_DIR: '/ca' };
    expect([right, misspelt, missing, foreign]).toHaveLength(4);
  });
});
