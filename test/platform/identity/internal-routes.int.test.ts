import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CalledService,
  type ServiceCaller,
  serviceCallers,
  serviceCalls,
} from '../../../runtime/contracts/callers.ts';
import { operations } from '../../../runtime/contracts/http/index.ts';
import { startRedisStandIn } from '../../../runtime/local/redis/server.ts';
import { startRealServices } from '../../api/real-services.ts';
import { bearer, tokenWith } from '../../support/identity.ts';
import { freePort } from '../../support/ports.ts';
import { type TestPostgres, testPostgres } from '../../support/postgres.ts';

let postgres: TestPostgres;
let redis: Awaited<ReturnType<typeof startRedisStandIn>>;
let running: Awaited<ReturnType<typeof startRealServices>>;

beforeAll(async () => {
  postgres = await testPostgres({ shards: ['shard_a'] });
  redis = await startRedisStandIn({ port: await freePort() });
  running = await startRealServices(postgres, `redis://127.0.0.1:${redis.port}`);
}, 60_000);
afterAll(async () => {
  await running?.stop();
  await redis?.close();
  await postgres?.stop();
});

const called: readonly CalledService[] = ['devices', 'telemetry'];
const callersOf = (service: CalledService) =>
  serviceCallers.filter((caller) => (serviceCalls[caller] as readonly CalledService[]).includes(service));

describe.each(called)('every route of %s, as its server has it,', (service) => {
  const routes = () => running.services[service].routes.filter(({ method }) => method !== 'HEAD');
  /** Nothing is sent along: what is admitted then fails by its own rules. */
  const ask = async (route: { method: string; path: string }, headers: Record<string, string>) => {
    const path = route.path.replaceAll(/:\w+/g, 'x');
    const url = `http://127.0.0.1:${running.services[service].port}${path}`;
    const response = await fetch(url, {
      method: route.method,
      headers: { 'x-iot-tenant': 'main', 'x-iot-subject': 'x', ...headers },
    });
    await response.text();
    return response.status;
  };

  test('is there: the operations and the internal ones', () => {
    const own = operations.filter((operation) => operation.service === service);
    for (const { method, path } of own)
      expect(routes()).toContainEqual(
        expect.objectContaining({ method, path: `/internal${path.replaceAll(/\{(\w+)\}/g, ':$1')}` }),
      );
  });

  test('refuses who has no token, a token for another service, or one of another issuer', async () => {
    const other = called.find((each) => each !== service) as CalledService;
    const strangers = [
      {},
      { authorization: 'Bearer x' },
      { authorization: bearer('api', other) },
      { authorization: `Bearer ${await tokenWith('api', service, { iss: 'https://example.com' })}` },
    ];
    for (const route of routes())
      for (const headers of strangers)
        expect([route.path, await ask(route, headers as Record<string, string>)]).toEqual([route.path, 401]);
  });

  test('names callers that have a token for it, and refuses all others', async () => {
    for (const route of routes()) {
      expect(route.callers.length, route.path).toBeGreaterThan(0);
      expect(callersOf(service)).toEqual(expect.arrayContaining([...route.callers]));
      for (const caller of callersOf(service)) {
        const status = await ask(route, { authorization: bearer(caller, service) });
        expect([route.path, caller, status === 403]).toEqual([route.path, caller, !route.callers.includes(caller)]);
        expect([route.path, caller, status]).not.toEqual([route.path, caller, 401]);
      }
    }
  });
});

test('a gateway that was taken over reads what gateways read, whatever tenant, person and scopes it names', async () => {
  const as: ServiceCaller = 'gateway';
  const { port, routes } = running.services.devices;
  const open = routes.filter(({ callers }) => callers.includes(as)).map(({ path }) => path);
  expect(open.every((path) => !path.startsWith('/internal/v1/'))).toBe(true);
  const response = await fetch(`http://127.0.0.1:${port}/internal/v1/devices`, {
    headers: {
      authorization: bearer(as, 'devices'),
      'x-iot-tenant': 'other',
      'x-iot-subject': 'root@example.com',
      'x-iot-scopes': 'devices:read devices:write admin',
    },
  });
  expect([response.status, await response.json()]).toMatchObject([
    403,
    { detail: 'gateway may not call this; allowed is api' },
  ]);
});
