import { DeviceType } from '../contracts/device-type.ts';
import type { Values } from '../contracts/telemetry.ts';
import { bell } from './random.ts';

/**
 * A kind of simulated device: its type as registered, and a model that gives the next values. Models are random walks
 * that are pulled back to a daily course, so that charts look like a day and neighbours differ.
 */
export type Kind = {
  type: DeviceType;
  /** Share of the fleet, as a weight. */
  weight: number;
  tags: readonly string[];
  model(random: () => number): (ts: number) => Values;
};

const dayMs = 86_400_000;

/** -1 at `lowHour` UTC, 1 twelve hours later. */
export function dailyCourse(ts: number, lowHour: number): number {
  return -Math.cos(((ts % dayMs) / dayMs - lowHour / 24) * 2 * Math.PI);
}

/** A walk that returns to 0: `pull` of its distance each step, plus noise of deviation `step`. */
function walk(random: () => number, pull: number, step: number): () => number {
  let at = 0;
  return () => {
    at += -pull * at + step * bell(random);
    return at;
  };
}

const round = (value: number, digits: number) => Number(value.toFixed(digits));
const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

/** Room thermostat. Sends Fahrenheit, as its maker does; the type's transform stores Celsius. */
const thermostat: Kind = {
  weight: 5,
  tags: ['building', 'simulated'],
  type: DeviceType.parse({
    id: 'sim-thermostat',
    description: 'Room thermostat (simulated); sends Fahrenheit, stored as Celsius',
    metrics: {
      temperature: { type: 'number', unit: 'Cel', min: -40, max: 80, required: true },
      humidity: { type: 'number', unit: '%', min: 0, max: 100 },
      setpoint: { type: 'number', unit: 'Cel', min: 5, max: 35 },
      heating: { type: 'boolean' },
    },
    transform: { temperature: '(values.temperature_f - 32.0) / 1.8' },
    drop: ['temperature_f'],
    alerts: [
      { kind: 'threshold', id: 'too-warm', metric: 'temperature', operator: '>', value: 28, severity: 'warning' },
      { kind: 'silence', id: 'silent', seconds: 300, severity: 'warning' },
    ],
  }),
  model(random) {
    const base = 19.5 + 2 * random();
    const room = walk(random, 0.05, 0.12);
    const damp = walk(random, 0.04, 0.4);
    return (ts) => {
      const setpoint = dailyCourse(ts, 3) > 0 ? 21 : 17.5;
      const celsius = clamp(base + 1.4 * dailyCourse(ts, 4) + room(), -39, 79);
      return {
        temperature_f: round(celsius * 1.8 + 32, 1),
        humidity: round(clamp(46 - 6 * dailyCourse(ts, 4) + damp(), 5, 95), 1),
        setpoint,
        heating: celsius < setpoint,
      };
    };
  },
};

const airQuality: Kind = {
  weight: 3,
  tags: ['building', 'air', 'simulated'],
  type: DeviceType.parse({
    id: 'sim-air-quality',
    description: 'Indoor air quality monitor (simulated)',
    metrics: {
      co2: { type: 'number', unit: '[ppm]', min: 300, max: 10_000, required: true },
      pm25: { type: 'number', unit: 'ug/m3', min: 0, max: 1_000 },
      voc: { type: 'integer', min: 0, max: 500 },
      temperature: { type: 'number', unit: 'Cel', min: -40, max: 80 },
    },
    alerts: [
      { kind: 'threshold', id: 'stale-air', metric: 'co2', operator: '>', value: 1_500, severity: 'warning' },
      { kind: 'silence', id: 'silent', seconds: 300, severity: 'warning' },
    ],
  }),
  model(random) {
    const crowd = 0.6 + 0.8 * random();
    const co2 = walk(random, 0.03, 14);
    const dust = walk(random, 0.05, 0.6);
    const room = walk(random, 0.05, 0.1);
    return (ts) => {
      const people = Math.max(0, dailyCourse(ts, 1)) * crowd;
      return {
        co2: round(clamp(430 + 520 * people + co2(), 380, 9_900), 0),
        pm25: round(clamp(7 + 4 * people + dust(), 0, 900), 1),
        voc: Math.round(clamp(60 + 90 * people + co2() / 4, 0, 500)),
        temperature: round(21 + 1.2 * dailyCourse(ts, 4) + room(), 2),
      };
    };
  },
};

/** Refrigerated transport. Its door opens now and then, and the load warms up: sometimes past the alert's threshold. */
const coldChain: Kind = {
  weight: 2,
  tags: ['fleet', 'cold-chain', 'simulated'],
  type: DeviceType.parse({
    id: 'sim-cold-chain',
    description: 'Cold-chain tracker in a refrigerated vehicle (simulated)',
    metrics: {
      temperature: { type: 'number', unit: 'Cel', min: -60, max: 60, required: true },
      door: { type: 'string', maxLength: 16 },
      battery: { type: 'number', unit: '%', min: 0, max: 100 },
      latitude: { type: 'number', unit: 'deg', min: -90, max: 90 },
      longitude: { type: 'number', unit: 'deg', min: -180, max: 180 },
    },
    alerts: [
      {
        kind: 'threshold',
        id: 'cold-chain-broken',
        metric: 'temperature',
        operator: '>',
        value: 8,
        severity: 'critical',
      },
      { kind: 'silence', id: 'silent', seconds: 300, severity: 'warning' },
    ],
  }),
  model(random) {
    const noise = walk(random, 0.1, 0.08);
    let load = 4 + random();
    let openFor = 0;
    let battery = 60 + 40 * random();
    let latitude = 48 + 5 * random();
    let longitude = 7 + 7 * random();
    let heading = 2 * Math.PI * random();
    return () => {
      if (openFor > 0) openFor--;
      else if (random() < 0.01) openFor = 2 + Math.floor(8 * random());
      load += openFor > 0 ? 0.7 : 0.12 * (4.2 - load);
      battery = battery < 15 ? 100 : battery - 0.02;
      heading += 0.2 * bell(random);
      latitude = clamp(latitude + 0.002 * Math.sin(heading), -89, 89);
      longitude = clamp(longitude + 0.003 * Math.cos(heading), -179, 179);
      return {
        temperature: round(clamp(load + noise(), -50, 50), 2),
        door: openFor > 0 ? 'open' : 'closed',
        battery: round(battery, 1),
        latitude: round(latitude, 5),
        longitude: round(longitude, 5),
      };
    };
  },
};

const meter: Kind = {
  weight: 2,
  tags: ['energy', 'simulated'],
  type: DeviceType.parse({
    id: 'sim-electricity-meter',
    description: 'Three-phase electricity meter (simulated)',
    metrics: {
      power: { type: 'number', unit: 'W', min: -50_000, max: 50_000, required: true },
      energy: { type: 'number', unit: 'kW.h', min: 0 },
      voltage: { type: 'number', unit: 'V', min: 0, max: 300 },
      frequency: { type: 'number', unit: 'Hz', min: 45, max: 65 },
    },
    alerts: [
      { kind: 'threshold', id: 'overload', metric: 'power', operator: '>', value: 9_000, severity: 'warning' },
      { kind: 'silence', id: 'silent', seconds: 300, severity: 'warning' },
    ],
  }),
  model(random) {
    const base = 250 + 300 * random();
    const use = walk(random, 0.04, 90);
    const grid = walk(random, 0.1, 0.4);
    const beat = walk(random, 0.1, 0.006);
    let energy = 1_000 + 9_000 * random();
    let last: number | undefined;
    return (ts) => {
      const power = clamp(base + 1_400 * Math.max(0, dailyCourse(ts, 6)) + Math.abs(use()) * 4, 0, 12_000);
      if (last !== undefined && ts > last) energy += (power / 1_000) * ((ts - last) / 3_600_000);
      last = ts;
      return {
        power: round(power, 0),
        energy: round(energy, 3),
        voltage: round(clamp(230 + grid(), 200, 260), 1),
        frequency: round(clamp(50 + beat(), 49, 51), 3),
      };
    };
  },
};

export const kinds: readonly Kind[] = [thermostat, airQuality, coldChain, meter];

export type FleetMember = { id: string; kind: Kind };

/** The first `count` devices of the fleet. A larger fleet contains the smaller one, so growing it adds devices only. */
export function fleetOf(count: number): FleetMember[] {
  const deal = kinds.flatMap((kind) => Array.from({ length: kind.weight }, () => kind));
  const numbers = new Map<Kind, number>();
  return Array.from({ length: count }, (_, i) => {
    // 5 is coprime to the 12 cards of the deal: neighbours differ, and each kind comes early.
    const kind = deal[(i * 5) % deal.length] as Kind;
    const number = (numbers.get(kind) ?? 0) + 1;
    numbers.set(kind, number);
    return { id: `${kind.type.id}-${String(number).padStart(5, '0')}`, kind };
  });
}
