import fc from 'fast-check';
import { expect, test } from 'vitest';
import { metricNamePattern } from '../../runtime/contracts/identifiers.ts';
import { dailyCourse, fleetOf, kinds } from '../../runtime/simulator/kinds.ts';
import { seeded } from '../../runtime/simulator/random.ts';

test.each(kinds.map((kind) => [kind.type.id, kind] as const))(
  '%s sends what its type allows, for days',
  (_id, kind) => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 }), (seed, start) => {
        const next = kind.model(seeded(seed));
        for (let i = 0; i < 300; i++) {
          const values = next(start + i * 300_000);
          for (const [name, value] of Object.entries(values)) {
            expect(name).toMatch(metricNamePattern);
            // The thermostat's Fahrenheit goes through its transform; the bounds are of what is stored.
            const [metric, stored] =
              name === 'temperature_f' ? ['temperature', (Number(value) - 32) / 1.8] : [name, value];
            const schema = kind.type.metrics[metric];
            expect(schema, `${metric} is in the schema`).toBeDefined();
            if (typeof stored === 'number') {
              expect(Number.isFinite(stored)).toBe(true);
              expect(stored).toBeGreaterThanOrEqual(schema?.min ?? Number.NEGATIVE_INFINITY);
              expect(stored).toBeLessThanOrEqual(schema?.max ?? Number.POSITIVE_INFINITY);
              if (schema?.type === 'integer') expect(Number.isInteger(stored)).toBe(true);
            } else expect(typeof stored).toBe(schema?.type);
          }
          for (const [metric, schema] of Object.entries(kind.type.metrics))
            if (schema.required) expect(Object.keys(values).map((n) => n.replace('_f', ''))).toContain(metric);
        }
      }),
      { numRuns: 8 },
    );
  },
);

test('a device behaves the same in every run, and not like its neighbour', () => {
  const run = (id: string) => {
    const next = fleetOf(1)[0]?.kind.model(seeded(id));
    return Array.from({ length: 5 }, (_, i) => next?.(1_700_000_000_000 + i * 60_000));
  };
  expect(run('a')).toEqual(run('a'));
  expect(run('a')).not.toEqual(run('b'));
});

test('a larger fleet contains the smaller one, all kinds come early, ids are unique', () => {
  const small = fleetOf(12).map((m) => m.id);
  const large = fleetOf(2_000).map((m) => m.id);
  expect(large.slice(0, 12)).toEqual(small);
  expect(new Set(large).size).toBe(2_000);
  expect(new Set(fleetOf(5).map((m) => m.kind)).size).toBe(4);
  expect(fleetOf(0)).toEqual([]);
});

test('a cold-chain load is too warm now and then, and mostly is not', () => {
  const kind = kinds.find((k) => k.type.id === 'sim-cold-chain');
  const next = kind?.model(seeded('truck'));
  const warm = Array.from({ length: 20_000 }, (_, i) => Number(next?.(i * 5_000)['temperature'])).filter((t) => t > 8);
  expect(warm.length).toBeGreaterThan(50);
  expect(warm.length).toBeLessThan(6_000);
});

test('the daily course is lowest at its hour and highest twelve hours later', () => {
  expect(dailyCourse(4 * 3_600_000, 4)).toBeCloseTo(-1);
  expect(dailyCourse(16 * 3_600_000, 4)).toBeCloseTo(1);
});
