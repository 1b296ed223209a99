import type { Answer } from '../framework/answer.ts';
import type { Reading } from '../framework/reader.ts';

export const hour = 3_600;
export const day = 24 * hour;
/** As Google's pages count them: `315360000s` are ten. */
export const year = 365 * day;

/** Seconds of a duration as Google's APIs write it, `7776000s` or `1.5s`; null for anything else. */
export function secondsOf(value: unknown): number | null {
  const text = typeof value === 'string' ? /^(\d+(?:\.\d{1,9})?)s$/.exec(value)?.[1] : undefined;
  return text === undefined ? null : Number(text);
}

/** A duration of at most so many seconds. Absent, or not a duration: no. */
export const lastsAtMost = (reading: Reading, seconds: number): Answer =>
  reading.test((value) => (secondsOf(value) ?? Number.POSITIVE_INFINITY) <= seconds);

export const lastsAtLeast = (reading: Reading, seconds: number): Answer =>
  reading.test((value) => (secondsOf(value) ?? -1) >= seconds);
