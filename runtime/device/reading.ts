import { forbiddenKeys, metricNamePattern } from '../contracts/identifiers.ts';
import { telemetryBounds, type Values } from '../contracts/telemetry.ts';

/** A reading on its way. `ts` and `seq` are its identity at the platform: a resend carries the same two. */
export type DeviceReading = {
  /** Epoch milliseconds by this device's clock. */
  ts: number;
  /** Rises with every reading of this device, over restarts too. */
  seq: number;
  values: Values;
};

/** JSON of one reading as the platform's `events` topic takes it (see docs/architecture.md, device protocol). */
export function encodeReading(reading: DeviceReading): string {
  return `{"ts":${reading.ts},"seq":${reading.seq},"values":${JSON.stringify(reading.values)}}`;
}

/** One message: a reading, or an array when there are several. Takes texts of `encodeReading`. */
export function encodeMessage(readings: readonly string[]): string {
  return readings.length === 1 ? (readings[0] as string) : `[${readings.join(',')}]`;
}

/**
 * What makes a reading unfit to send; empty when it is fit. The platform would accept the message and put the reading
 * among the dead letters, so the mistake is told where it is made.
 */
export function readingProblems(values: Values, ts: number): string[] {
  const problems: string[] = [];
  if (!Number.isInteger(ts) || ts < 0) problems.push(`ts is ${ts}, allowed are whole epoch milliseconds`);
  const names = Object.keys(values);
  if (names.length === 0) problems.push('values is empty, a reading has at least one metric');
  if (names.length > telemetryBounds.metricsPerReading)
    problems.push(`values has ${names.length} metrics, allowed are ${telemetryBounds.metricsPerReading}`);
  for (const [name, value] of Object.entries(values)) {
    if (!metricNamePattern.test(name) || forbiddenKeys.has(name))
      problems.push(`metric '${name}' has a wrong name: a letter or _ first, 1 to 64 of letters, digits, _ . -`);
    if (typeof value === 'number' ? !Number.isFinite(value) : typeof value !== 'string' && typeof value !== 'boolean')
      problems.push(`metric '${name}' is ${String(value)}, allowed are finite numbers, texts, true and false`);
    if (typeof value === 'string' && value.length > telemetryBounds.stringLength)
      problems.push(`metric '${name}' has ${value.length} characters, allowed are ${telemetryBounds.stringLength}`);
    if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed()))
      problems.push(`metric '${name}' has a NUL or a lone surrogate, which no store takes`);
  }
  return problems;
}
