import type { Tier } from '../tiers.ts';
import { figures } from './figures.ts';
import type { Step } from './types.ts';

/** What the fleet puts on the platform. */
export type Load = {
  devices: number;
  messagesPerDevicePerMinute: number;
  /** Messages a second, in the mean and at the peak. */
  mean: number;
  peak: number;
  zones: number;
  /** Zones that must carry it alone: one less than there are, where the tier demands spread. */
  zonesLeft: number;
};

/** A size with the arithmetic that led to it, and one sentence for each thing that no size can carry. */
export type Sized<T> = { value: T; steps: readonly Step[]; problems?: readonly string[] };

export const zones = 3;

export function loadOf(devices: number, messagesPerDevicePerMinute: number, tier: Tier): Sized<Load> {
  const mean = (devices * messagesPerDevicePerMinute) / 60;
  const peak = mean * figures.peak.value;
  return {
    value: {
      devices,
      messagesPerDevicePerMinute,
      mean,
      peak,
      zones,
      zonesLeft: tier.workloads.strictSpread ? zones - 1 : zones,
    },
    steps: [
      step(
        'messages/s, mean',
        `${count(devices)} devices × ${count(messagesPerDevicePerMinute)} a minute / 60`,
        count(mean),
      ),
      step('messages/s, peak', `${count(mean)} × ${figures.peak.value}`, count(peak)),
    ],
  };
}

export const step = (what: string, formula: string, result: string): Step => ({ what, formula, result });

/** `13,750`; below ten with one digit after the point. */
export function count(value: number): string {
  return value < 10 && !Number.isInteger(value)
    ? value.toFixed(value < 0.1 ? 3 : 1)
    : Math.round(value).toLocaleString('en-US');
}

/** The next multiple, at least `least`. */
export const upTo = (value: number, multiple: number, least = multiple): number =>
  Math.max(least, Math.ceil(value / multiple) * multiple);
