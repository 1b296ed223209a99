import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressPlan, capacityOf, overlap, rangeOf } from '../../../infra/plan/addresses.ts';
import { machineOf, poolSizes } from '../../../infra/plan/databases.ts';
import { demandOf } from '../../../infra/plan/nodes.ts';
import { type PlanInput, planOf } from '../../../infra/plan/plan.ts';
import type { Plan } from '../../../infra/plan/types.ts';
import { type TierName, tierNames, tiers } from '../../../infra/tiers.ts';

const input = (given: Partial<Omit<PlanInput, 'tier'>> & { tier?: TierName } = {}): PlanInput => ({
  devices: 1_000,
  messagesPerDevicePerMinute: 1,
  clusterMode: 'autopilot',
  deviceCertificates: 'kms',
  shards: null,
  publicEdge: true,
  scanImages: true,
  ...given,
  tier: tiers[given.tier ?? 'prod'],
});

const tier = fc.constantFrom(...tierNames);
const devices = fc.integer({ min: 1, max: 2_000_000 });
const rate = fc.integer({ min: 1, max: 6_000 });
/** Fleets that a plan carries: no problem. */
const carried = fc
  .record({
    tier,
    devices,
    messagesPerDevicePerMinute: fc.integer({ min: 1, max: 200 }),
    clusterMode: fc.constantFrom('autopilot' as const, 'standard' as const),
    deviceCertificates: fc.constantFrom('kms' as const, 'cas' as const),
    publicEdge: fc.boolean(),
    scanImages: fc.boolean(),
  })
  .map((given) => planOf(input(given)))
  .filter(({ problems }) => problems.length === 0)
  .map(({ plan }) => plan);

describe('55,000 devices in prod', () => {
  const { plan, problems } = planOf(input({ devices: 55_000 }));

  test.each<[string, (plan: Plan) => unknown, unknown]>([
    ['problems', () => problems, []],
    ['gateway pods, two in each zone', (p) => p.pods.gateway.replicas, 6],
    ['devices that a gateway pod carries with a zone lost', (p) => p.devicesPerGateway, 13_750],
    ['connections that a gateway admits', (p) => p.connectionsPerGateway, 15_000],
    ['gateway pod', (p) => [p.pods.gateway.cpu, p.pods.gateway.memory], ['1', '1792Mi']],
    ['processor pods', (p) => p.pods.processor.replicas, 3],
    ['service pods', (p) => [p.pods.devices.replicas, p.pods.telemetry.replicas, p.pods.api.replicas], [3, 3, 3]],
    ['shards', (p) => p.database.shards, 1],
    [
      'machines',
      (p) => [p.database.coreTier, p.database.shardTier],
      ['db-perf-optimized-N-2', 'db-perf-optimized-N-2'],
    ],
    // (9 x 4 + 9 x 16 + 9 x 2 + 9 x 8 + 14) x 1.15 = 327, to the next 50.
    ['connections', (p) => p.database.maximumConnections, 350],
    ['cache', (p) => p.cache, { nodeType: 'STANDARD_SMALL', shards: 1 }],
    ['nodes a zone', (p) => [p.cluster.minimumNodesPerZone, p.cluster.maximumNodesPerZone], [2, 4]],
    ['messages a second', (p) => Math.round(p.fleet.messagesPerSecond), 917],
    ['certificates a day', (p) => Math.round(p.certificates.perDay), 917],
    ['authorities of CAS', (p) => p.certificates.authorities, 1],
    ['hours to enrol all again by CAS', (p) => p.certificates.reenrolHoursByCas.toFixed(2), '2.18'],
  ])('%s', (_name, of, expected) => {
    expect(of(plan)).toEqual(expected);
  });

  test('four gateways that are left carry all of them', () => {
    expect((plan.pods.gateway.replicas / 3) * 2 * plan.devicesPerGateway).toBeGreaterThanOrEqual(55_000);
  });
});

describe('what makes another size', () => {
  test.each<[string, Parameters<typeof input>[0], (plan: Plan) => unknown, unknown]>([
    // 40,000 a second at the peak / 7,200 a pod = 6, on two zones: 3 in each.
    ['messages, gateways', { devices: 20_000, messagesPerDevicePerMinute: 60 }, (p) => p.pods.gateway.replicas, 9],
    // 80,000 to drain / 12,000 a pod = 7, on two zones: 4 in each.
    ['messages, processors', { devices: 20_000, messagesPerDevicePerMinute: 60 }, (p) => p.pods.processor.replicas, 12],
    ['messages, shards', { devices: 20_000, messagesPerDevicePerMinute: 60 }, (p) => p.database.shards, 2],
    // 20,000 a second on each shard / 5,750 a vCPU = 3.5.
    [
      'messages, machine of a shard',
      { devices: 20_000, messagesPerDevicePerMinute: 60, tier: 'dev' },
      (p) => p.database.shardTier,
      'db-custom-4-15360',
    ],
    ['what is kept, shards', { devices: 100_000 }, (p) => p.database.shards, 2],
    ['devices, cache', { devices: 1_000_000, tier: 'dev' }, (p) => p.cache.nodeType, 'STANDARD_SMALL'],
    ['a tier with a replica, cache', { devices: 10, tier: 'staging' }, (p) => p.cache.nodeType, 'STANDARD_SMALL'],
    ['a small fleet, gateway pod', { tier: 'dev' }, (p) => [p.pods.gateway.cpu, p.devicesPerGateway], ['500m', 2_500]],
    ['devices, authorities', { devices: 1_300_000 }, (p) => p.certificates.authorities, 3],
    // 917 a second from six pods, 3 ms each: one a request, charged as 1,000 B; twice, for 730 hours.
    [
      'few messages a request, Pub/Sub',
      { devices: 55_000 },
      (p) => p.cost.lines.find(({ price }) => price === 'pubsub.throughput')?.quantity.toFixed(2),
      '4.38',
    ],
    // 50,000 at 0.50, 50,000 at 0.05, 1,013,889 - 100,000 at 0.001, four authorities at 200.
    ['many certificates, price of CAS', { devices: 2_000_000 }, (p) => Math.round(p.certificates.monthlyByCas), 29_214],
    // 2 vCPU, twice for the standby, 730 hours.
    [
      'a standby, the bill',
      { devices: 1_000 },
      (p) => p.cost.lines.find(({ what }) => what.endsWith('vCPU, each copy: core'))?.quantity,
      2 * 2 * 730,
    ],
  ])('%s', (_name, given, of, expected) => {
    expect(of(planOf(input(given)).plan)).toEqual(expected);
  });

  test('one device more never makes fewer gateways, where pods grow with the fleet', () => {
    for (const messagesPerDevicePerMinute of [1, 100, 400]) {
      const pods = (devices: number) =>
        planOf(input({ tier: 'dev', devices, messagesPerDevicePerMinute })).plan.pods.gateway.replicas;
      expect(pods(5_001)).toBeGreaterThanOrEqual(pods(5_000));
    }
  });
});

describe('what no plan carries is one sentence with a way out', () => {
  test.each<[string, Parameters<typeof input>[0], RegExp]>([
    [
      'more messages than the cache takes',
      { devices: 55_000, messagesPerDevicePerMinute: 60 },
      /^55,000 devices at 60 messages a minute are 110,000 messages\/s at the peak: the cache takes 79,950 .*Set devices or messagesPerDevicePerMinute lower, or split/,
    ],
    [
      'fewer shards than the fleet needs',
      { devices: 200_000, shards: 1 },
      /^shards is 1: 200,000 devices at 1 messages? a minute need 3 .*Set shards to 3 or more, or leave it out$/,
    ],
  ])('%s', (_name, given, words) => {
    const { problems } = planOf(input(given));
    expect(problems).toEqual([expect.stringMatching(words)]);
  });

  test('a fleet far beyond names every limit it breaks', () => {
    const { problems } = planOf(input({ devices: 2_000_000, messagesPerDevicePerMinute: 6_000 }));
    expect(problems).toEqual([
      expect.stringMatching(/pods: the address plan has room for/),
      expect.stringMatching(/needs \d+ shards .*at most 32/),
      expect.stringMatching(/connections to a database/),
      expect.stringMatching(/the cache takes/),
      expect.stringMatching(/Pub\/Sub takes 200 MB\/s/),
    ]);
  });

  test('two million devices that send once a minute are carried', () => {
    expect(planOf(input({ devices: 2_000_000 })).problems).toEqual([]);
  });

  test('more shards than needed are as asked', () => {
    expect(planOf(input({ devices: 1_000, shards: 4 }))).toMatchObject({
      problems: [],
      plan: { database: { shards: 4 } },
    });
  });
});

describe('properties', () => {
  test('nothing shrinks when devices or rate grow', () => {
    const sizes = (p: Plan) => ({
      gateway: p.pods.gateway.replicas,
      processor: p.pods.processor.replicas,
      devices: p.pods.devices.replicas,
      query: p.pods.telemetry.replicas,
      shards: p.database.shards,
      shardDisks: p.database.shards * p.database.shardDisk,
      core: machineOf(p.database.coreTier).cpus,
      shardCpus: p.database.shards * machineOf(p.database.shardTier).cpus,
      connections: p.database.maximumConnections,
      nodes: p.cluster.minimumNodesPerZone,
      cpus: demandOf(p.pods, 'replicas').cpus,
      authorities: p.certificates.authorities,
      cost: p.cost.monthly,
    });
    fc.assert(
      fc.property(tier, devices, rate, devices, rate, (name, d1, r1, d2, r2) => {
        const small = sizes(
          planOf(input({ tier: name, devices: Math.min(d1, d2), messagesPerDevicePerMinute: Math.min(r1, r2) })).plan,
        );
        const large = sizes(
          planOf(input({ tier: name, devices: Math.max(d1, d2), messagesPerDevicePerMinute: Math.max(r1, r2) })).plan,
        );
        for (const key of Object.keys(small) as (keyof typeof small)[])
          expect({ key, value: large[key] }).toEqual({ key, value: Math.max(small[key], large[key]) });
      }),
      { numRuns: 500 },
    );
  });

  test('gateways carry the fleet, with a zone lost where the tier demands spread', () => {
    fc.assert(
      fc.property(tier, devices, (name, number) => {
        const { pods, devicesPerGateway } = planOf(input({ tier: name, devices: number })).plan;
        const left = tiers[name].workloads.strictSpread
          ? Math.floor((pods.gateway.replicas * 2) / 3)
          : pods.gateway.replicas;
        expect(left * devicesPerGateway).toBeGreaterThanOrEqual(number);
        if (tiers[name].workloads.strictSpread) expect(pods.gateway.replicas % 3).toBe(0);
      }),
    );
  });

  test('cost is the sum of its lines, and the unverified share that of theirs', () => {
    fc.assert(
      fc.property(carried, ({ cost }) => {
        const sum = (of: typeof cost.lines) => of.reduce((total, { monthly }) => total + monthly, 0);
        expect(cost.monthly).toBeCloseTo(sum(cost.lines), 6);
        expect(cost.unverifiedShare).toBeCloseTo(sum(cost.lines.filter(({ verified }) => !verified)) / cost.monthly, 6);
        for (const { monthly, quantity } of cost.lines) {
          expect(monthly).toBeGreaterThanOrEqual(0);
          expect(quantity).toBeGreaterThan(0);
        }
      }),
    );
  });

  test("machines are the edition's own, within Cloud SQL's limits", () => {
    fc.assert(
      fc.property(carried, ({ database }) => {
        for (const name of [database.coreTier, database.shardTier]) {
          const { cpus, memory } = machineOf(name);
          // https://cloud.google.com/sql/docs/postgres/create-instance#machine-types: 0.9 to 6.5 GB a vCPU, even, of 256 MB.
          if (name.startsWith('db-custom')) {
            expect(memory / cpus).toBeGreaterThanOrEqual(0.9);
            expect(memory / cpus).toBeLessThanOrEqual(6.5);
            expect((memory * 1024) % 256).toBe(0);
          }
          expect(cpus % 2).toBe(0);
          expect(database.maximumConnections).toBeLessThanOrEqual(262_143);
        }
        expect(database.shardDisk).toBeGreaterThanOrEqual(10);
        expect(database.shardDisk).toBeLessThanOrEqual(65_536);
      }),
    );
    for (const name of tierNames)
      expect(planOf(input({ tier: name })).plan.database.shardTier).toMatch(
        tiers[name].database.edition === 'ENTERPRISE' ? /^db-custom-\d+-\d+$/ : /^db-perf-optimized-N-\d+$/,
      );
  });

  test('every plan has an address for each of its pods at most, and each node', () => {
    fc.assert(
      fc.property(carried, (plan) => {
        const capacity = capacityOf(plan.addresses);
        expect(demandOf(plan.pods, 'maximum').pods).toBeLessThanOrEqual(capacity.pods);
        expect(plan.cluster.maximumNodesPerZone * plan.cluster.zones).toBeLessThanOrEqual(capacity.nodes);
      }),
    );
  });

  test('memory of a gateway holds the connections that it admits, and what waits for the bus', () => {
    fc.assert(
      fc.property(carried, ({ pods, devicesPerGateway, connectionsPerGateway }) => {
        const mebibytes = Number(pods.gateway.memory.replace('Mi', ''));
        expect(connectionsPerGateway).toBeGreaterThan(devicesPerGateway);
        expect(mebibytes * 1_048_576).toBeGreaterThan(connectionsPerGateway * 76_500 + (230 + 128) * 1_048_576);
      }),
    );
  });
});

test('connections are counted from the pools that the services open', () => {
  const sizes = (file: string) => {
    const text = readFileSync(new URL(`../../../runtime/${file}`, import.meta.url), 'utf8');
    const max = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0);
    return {
      core: max(/name: 'core',[^}]*?\bmax: (\d+)/s),
      shard: max(/pool: \{[^}]*?\bmax: (\d+)/s),
    };
  };
  expect(poolSizes).toEqual({
    gateway: sizes('gateway/main.ts'),
    processor: sizes('processor/main.ts'),
    devices: sizes('devices/service.ts'),
    telemetry: sizes('telemetry/service.ts'),
    api: sizes('api/main.ts'),
  });
});

describe('addresses', () => {
  const plan = addressPlan();
  const ranges = Object.entries(plan);

  test('no two ranges overlap, all are private, none is what container runtimes keep', () => {
    for (const [name, range] of ranges) {
      expect(overlap(range, '10.0.0.0/8'), name).toBe(true);
      expect(rangeOf(range).first, name).toBeGreaterThanOrEqual(rangeOf('10.0.0.0/8').first);
      expect(overlap(range, '172.17.0.0/16'), name).toBe(false);
      for (const [other, second] of ranges)
        if (name !== other) expect(overlap(range, second), `${name} ${other}`).toBe(false);
    }
  });

  test('overlap is what counting addresses finds', () => {
    const cidr = fc
      .record({ bits: fc.integer({ min: 24, max: 32 }), at: fc.integer({ min: 0, max: 1_023 }) })
      .map(({ bits, at }) => {
        const size = 2 ** (32 - bits);
        const first = Math.floor(at / size) * size;
        return `10.0.${Math.floor(first / 256)}.${first % 256}/${bits}`;
      });
    const addresses = (range: string) => {
      const { first, size } = rangeOf(range);
      return new Set(Array.from({ length: size }, (_, i) => first + i));
    };
    fc.assert(
      fc.property(cidr, cidr, (a, b) => {
        expect(overlap(a, b)).toBe([...addresses(a)].some((address) => addresses(b).has(address)));
      }),
    );
  });

  test.each(['10.0.0.1/20', '10.0.0.0', '300.0.0.0/8', '10.0.0.0/33'])('%s is no range', (text) => {
    expect(() => rangeOf(text)).toThrow(/is no range: allowed is/);
  });
});
