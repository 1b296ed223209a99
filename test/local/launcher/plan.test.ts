import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as schemas from '../../../runtime/contracts/settings/services.ts';
import { identityFolder } from '../../../runtime/local/identity.ts';
import { type PlanInput, planSettings, type ServiceName, services, urlsOf } from '../../../runtime/local/plan.ts';
import { defaultPortBase, planPorts, portBaseRange } from '../../../runtime/local/ports.ts';
import { readSettings } from '../../../runtime/platform/service/settings.ts';

const schemaOf = {
  devices: schemas.DevicesSettings,
  telemetry: schemas.TelemetrySettings,
  processor: schemas.ProcessorSettings,
  gateway: schemas.GatewaySettings,
  api: schemas.ApiSettings,
  simulator: schemas.SimulatorSettings,
} satisfies Record<ServiceName, unknown>;

const input = (base = defaultPortBase): PlanInput => ({
  ports: planPorts(base),
  devices: 50,
  overrides: {},
  postgresUrl: (database) => `postgres://iot:secret@127.0.0.1:${base + 432}/${database}`,
  places: {
    ca: '/d/ca',
    tls: '/d/tls',
    keys: '/d/keys',
    gateway: '/d/gateway',
    simulator: '/d/simulator',
    pubsub: '/d/pubsub',
    clientFile: '/d/client.json',
    statusFile: '/d/platform.json',
    rootCa: '/d/ca/root-ca.pem',
    dashboard: '/d/dashboard',
    identity: identityFolder('/d/identity'),
  },
});

describe('ports', () => {
  test('any base gives distinct ports below the range that the kernel hands out', () => {
    fc.assert(
      fc.property(fc.integer(portBaseRange), (base) => {
        const ports = Object.values(planPorts(base));
        expect(new Set(ports).size).toBe(ports.length);
        expect(Math.max(...ports)).toBeLessThan(32_768);
        expect(Math.min(...ports)).toBeGreaterThan(1_023);
      }),
    );
  });

  test('the documented ones', () => {
    expect(planPorts(18_000)).toMatchObject({ api: 18_080, mqtt: 18_883 });
  });

  test.each([portBaseRange.min - 1, portBaseRange.max + 1, 20_000.5, Number.NaN])(
    'base %s is refused in words',
    (base) => {
      expect(() => planPorts(base)).toThrow(`allowed is a whole number ${portBaseRange.min} to ${portBaseRange.max}`);
    },
  );
});

describe('settings', () => {
  test.each(services)('%s accepts what the launcher plans, and listens on loopback', (name) => {
    const settings = readSettings(name, schemaOf[name], planSettings(input())[name]);
    expect(settings).toMatchObject({ IOT_INSTANCE: name, IOT_BIND: '127.0.0.1' });
  });

  test('every listener of the plan has a port of its own', () => {
    const planned = Object.values(planSettings(input())).flatMap((env) =>
      Object.entries(env).filter(([key]) => /_PORT$/.test(key)),
    );
    expect(new Set(planned.map(([, port]) => port)).size).toBe(planned.length);
  });

  test('an override for one part wins over one for all, which wins over the plan', () => {
    const overrides = { '*': { IOT_LOG_LEVEL: 'warn', IOT_DRAIN_SECONDS: '3' }, gateway: { IOT_LOG_LEVEL: 'debug' } };
    const planned = planSettings({ ...input(), overrides });
    expect(planned.gateway).toMatchObject({ IOT_LOG_LEVEL: 'debug', IOT_DRAIN_SECONDS: '3' });
    expect(planned.api).toMatchObject({ IOT_LOG_LEVEL: 'warn' });
  });

  test('without simulated devices the platform page does not ask for a simulator', () => {
    expect(planSettings({ ...input(), devices: 0 }).api['IOT_PARTS']).not.toContain('simulator=');
    expect(planSettings(input()).api['IOT_PARTS']).toContain('simulator=');
  });

  test('every URL is of loopback', () => {
    for (const url of Object.values(urlsOf(planPorts(18_000)))) expect(url).toMatch(/^\w+:\/\/127\.0\.0\.1:18\d{3}/);
  });
});
