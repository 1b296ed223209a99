import { afterEach, expect, test } from 'vitest';
import { type Stand, startStand } from './stand.ts';

let stand: Stand;
afterEach(() => stand.stop());

test('a tenant over its quota is read more slowly and loses nothing; it is told and counted', async () => {
  stand = await startStand({ env: { IOT_DEVICE_MESSAGES_PER_SECOND: '100000' } });
  stand.devices.shares = [{ tenant: 'main', messagesPerSecond: 20 }];
  await stand.gateway.tellUsage();
  const client = await stand.connect('sensor-1');
  const began = performance.now();
  await Promise.all(
    Array.from({ length: 100 }, (_, n) => client.publishAsync('/devices/sensor-1/events', `{"n":${n}}`, { qos: 1 })),
  );
  // Two seconds' worth may come at once; what one read of the socket brought beyond it is paid for before the next read.
  const afterwards = client.publishAsync('/devices/sensor-1/events', '{"n":100}', { qos: 1 });
  await afterwards;
  expect(performance.now() - began).toBeGreaterThan(1_000);
  expect(stand.bus.stored.map(({ data }) => JSON.parse(data.toString()).n)).toEqual(
    Array.from({ length: 101 }, (_, n) => n),
  );
  await stand.gateway.tellUsage();
  const told = stand.devices.reports.flatMap(({ tenants }) => tenants);
  expect(told.at(-1)).toMatchObject({ tenant: 'main', connections: 1 });
  expect(Math.max(...told.map(({ throttledMs }) => throttledMs))).toBeGreaterThan(1_000);
  expect(await stand.metric('iot_gateway_throttled_seconds_total')).toBeGreaterThan(1);
});

test('while the devices service is away the last share holds, and use is told when it is back', async () => {
  stand = await startStand();
  stand.devices.shares = [{ tenant: 'main', messagesPerSecond: 1_000 }];
  await stand.gateway.tellUsage();
  const client = await stand.connect('sensor-1');
  stand.devices.usageAway = true;
  await client.publishAsync('/devices/sensor-1/events', '{"n":1}', { qos: 1 });
  await stand.gateway.tellUsage();
  stand.devices.usageAway = false;
  await stand.gateway.tellUsage();
  const mine = stand.devices.reports.at(-1)?.tenants.filter(({ tenant }) => tenant === 'main') ?? [];
  expect(mine.reduce((sum, { messages }) => sum + messages, 0)).toBe(1);
});
