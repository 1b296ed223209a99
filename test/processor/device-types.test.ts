import { expect, test } from 'vitest';
import { genericDeviceType } from '../../runtime/contracts/device-type.ts';
import { createDeviceTypes } from '../../runtime/processor/device-types.ts';
import { quietLog } from '../support/log.ts';

/** Core as a table of devices to type versions, and a count of how often it was asked. */
function fakeCore(devices: Record<string, number>) {
  const state = { away: false, asked: 0 };
  const query = async (text: string, [tenants, ids]: [string[], string[]]) => {
    if (state.away) throw new Error('core is away');
    if (text.includes('definition'))
      return {
        rows: ids.map((id) => ({ tenant: 'main', id, definition: { ...genericDeviceType, id }, version: id.slice(1) })),
      };
    state.asked++;
    const rows = ids
      .map((id, i) => ({ tenant: tenants[i], id, type: `v${devices[id]}`, version: String(devices[id]) }))
      .filter((row) => devices[row.id] !== undefined);
    return { rows };
  };
  return { state, devices, core: { query } as never };
}

const dev = [['main', 'dev-1']] as const;

test('a known type serves at once, is read again after half a minute, and never serves older than a minute', async () => {
  let now = 0;
  const { core, devices } = fakeCore({ 'dev-1': 1 });
  const types = createDeviceTypes(core, { now: () => now }, quietLog);
  expect(types.get('main', 'dev-1')).toBeUndefined();
  await types.lookup(dev);
  expect(types.get('main', 'dev-1')?.version).toBe(1);
  devices['dev-1'] = 2;
  now = 29_000;
  expect(types.get('main', 'dev-1')?.version).toBe(1);
  now = 56_000;
  expect(types.get('main', 'dev-1')).toBeUndefined();
  await types.lookup(dev);
  expect(types.get('main', 'dev-1')?.version).toBe(2);
  types.stop();
});

test('a stored definition that is not allowed any more refuses its readings, and no other type waits for it', async () => {
  const query = async (text: string, [tenants, ids]: [string[], string[]]) => ({
    rows: ids.map((id, n) =>
      text.includes('definition')
        ? {
            tenant: 'main',
            id,
            definition: { ...genericDeviceType, id, ...(id === 'old' && { drop: 7 }) },
            version: '1',
          }
        : { tenant: tenants[n], id, type: id === 'dev-1' ? 'old' : 'new', version: '1' },
    ),
  });
  const types = createDeviceTypes({ query } as never, { now: () => 0 }, quietLog);
  await types.lookup([...dev, ['main', 'dev-2']]);
  expect(types.get('main', 'dev-1')?.apply({ t: 1 })).toMatchObject({
    refusal: { reason: 'schema', detail: expect.stringContaining("type 'old' is not valid any more") },
  });
  expect(types.get('main', 'dev-2')?.apply({ t: 1 })).toEqual({ values: { t: 1 } });
  types.stop();
});

test('while core is away what is known stays in force, whatever its age', async () => {
  let now = 0;
  const { core, state } = fakeCore({ 'dev-1': 1 });
  const types = createDeviceTypes(core, { now: () => now }, quietLog);
  await types.lookup(dev);
  state.away = true;
  now = 3_600_000;
  await expect(types.lookup(dev)).rejects.toThrow('away');
  expect(types.get('main', 'dev-1')?.version).toBe(1);
  types.stop();
});

test('forgetting a tenant reads again before the next use; an unknown device is asked for again soon', async () => {
  let now = 0;
  const { core, devices } = fakeCore({ 'dev-1': 1 });
  const types = createDeviceTypes(core, { now: () => now }, quietLog);
  await types.lookup([...dev, ['main', 'ghost']]);
  expect(types.get('main', 'ghost')).toBeNull();
  types.forget('main');
  expect(types.get('main', 'dev-1')).toBeUndefined();
  devices['ghost'] = 1;
  now = 1_001;
  expect(types.get('main', 'ghost')).toBeUndefined();
  types.stop();
});

test('a new or retyped device is read again by itself, also within the second in which it was unknown', async () => {
  const { core, devices } = fakeCore({ 'dev-1': 1, 'dev-2': 1 });
  const types = createDeviceTypes(core, { now: () => 0 }, quietLog);
  await types.lookup([...dev, ['main', 'dev-2'], ['main', 'new-1']]);
  expect(types.get('main', 'new-1')).toBeNull();
  devices['new-1'] = 1;
  devices['dev-2'] = 2;
  types.forget('main', 'new-1');
  types.forget('main', 'dev-2');
  expect(types.get('main', 'new-1')).toBeUndefined();
  expect(types.get('main', 'dev-2')).toBeUndefined();
  expect(types.get('main', 'dev-1')?.version).toBe(1);
  await types.lookup([
    ['main', 'new-1'],
    ['main', 'dev-2'],
  ]);
  expect([types.get('main', 'new-1')?.version, types.get('main', 'dev-2')?.version]).toEqual([1, 2]);
  types.stop();
});

test('a change that comes while core is being asked is not overwritten by the older answer', async () => {
  const { core, devices, state } = fakeCore({});
  const types = createDeviceTypes(core, { now: () => 0 }, quietLog);
  const looking = types.lookup(dev); // core has answered "no such device" when the change comes
  devices['dev-1'] = 1;
  types.forget('main', 'dev-1');
  await looking;
  expect(types.get('main', 'dev-1')?.version).toBe(1);
  expect(state.asked).toBe(2);
  types.stop();
});

test('it remembers no more devices than it may', async () => {
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`dev-${i}`, 1]));
  const { core } = fakeCore(many);
  const types = createDeviceTypes(core, { now: () => 0, max: 10 }, quietLog);
  await types.lookup(Object.keys(many).map((id) => ['main', id] as const));
  expect(types.get('main', 'dev-0')).toBeUndefined();
  expect(types.get('main', 'dev-29')?.version).toBe(1);
  types.stop();
});
