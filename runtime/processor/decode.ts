import { forbiddenKeys, metricNamePattern } from '../contracts/identifiers.ts';
import { type DeadLetterReason, telemetryBounds, type Values } from '../contracts/telemetry.ts';
import { decodeCbor, looksLikeCbor, maxDepth } from './cbor.ts';

/** Why something cannot be stored, fit for an operator to read. */
export type Refusal = { reason: DeadLetterReason; detail: string };

/** One reading as its device sent it, before the type's rules. */
export type Candidate = {
  /** Epoch milliseconds; the gateway's receive time when `stamped`. */
  ts: number;
  seq: number;
  /** The device gave neither `ts` nor `seq`: its identity is the gateway's stamp. */
  stamped: boolean;
  values: Values;
};

/** Either the whole message is refused, or each of its readings stands for itself. `source` is what was sent. */
export type Decoded =
  | { refusal: Refusal }
  | { items: ({ candidate: Candidate } | { refusal: Refusal; source: unknown })[] };

/**
 * A payload as readings: JSON or CBOR; `{"temperature":21.5}`, `{"ts":…,"seq":…,"values":{…}}` or an array of these.
 * @param received the gateway's receive time, epoch milliseconds.
 */
export function decodePayload(data: Buffer, received: number): Decoded {
  if (data.length > telemetryBounds.payloadBytes)
    return refuse('too-large', `payload has ${data.length} bytes, allowed are ${telemetryBounds.payloadBytes}`);
  const parsed = parse(data);
  if ('refusal' in parsed) return parsed;
  const list = Array.isArray(parsed.value) ? parsed.value : [parsed.value];
  if (list.length === 0) return refuse('malformed', 'an empty array holds no reading');
  if (list.length > telemetryBounds.readingsPerMessage)
    return refuse(
      'too-large',
      `message has ${list.length} readings, allowed are ${telemetryBounds.readingsPerMessage}`,
    );
  const items = list.map((source, index) => {
    const read = readCandidate(source, index, received);
    return 'refusal' in read ? { refusal: read.refusal, source } : { candidate: read };
  });
  // A good reading is flat. What is deep is kept as the bytes that came, never written out again.
  if (items.some((item) => 'source' in item && deeperThan(item.source, maxDepth)))
    return refuse('too-large', `nested deeper than ${maxDepth}`);
  return { items };
}

/** Whether `value` has more than `levels` objects or arrays inside each other; looks no deeper than that. */
export function deeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => deeperThan(inner, levels - 1));
}

function parse(data: Buffer): { value: unknown } | { refusal: Refusal } {
  try {
    return { value: looksLikeCbor(data) ? decodeCbor(data) : JSON.parse(data.toString('utf8')) };
  } catch (error) {
    const kind = looksLikeCbor(data) ? 'CBOR' : 'JSON';
    return refuse('malformed', `not ${kind}: ${(error as Error).message.slice(0, 200)}`);
  }
}

function readCandidate(source: unknown, index: number, received: number): Candidate | { refusal: Refusal } {
  if (!isRecord(source)) return refuse('malformed', `a reading is an object, this is ${nameOf(source)}`);
  let ts = received;
  let seq = index;
  let stamped = true;
  let metrics: Record<string, unknown> = source;
  if (isRecord(source['values'])) {
    metrics = source['values'];
    for (const key in source)
      if (key !== 'ts' && key !== 'seq' && key !== 'values')
        return refuse('malformed', `field '${key.slice(0, 64)}' beside values; allowed are ts, seq and values`);
    if (source['ts'] !== undefined) {
      const read = readTime(source['ts']);
      if (read === undefined) return refuse('malformed', 'ts must be whole epoch milliseconds or RFC 3339 text');
      ts = read;
      seq = 0;
      stamped = false;
    }
    if (source['seq'] !== undefined) {
      if (typeof source['seq'] !== 'number' || !Number.isSafeInteger(source['seq']) || source['seq'] < 0)
        return refuse('malformed', 'seq must be a whole number from 0 to 2^53-1');
      seq = source['seq'];
      stamped = false;
    }
  } else if (source['ts'] !== undefined || source['seq'] !== undefined)
    return refuse('malformed', 'a reading with ts or seq has its metrics in values: {"ts":…,"seq":…,"values":{…}}');
  return checkMetrics(metrics) ?? { ts, seq, stamped, values: metrics as Values };
}

function checkMetrics(metrics: Record<string, unknown>): { refusal: Refusal } | undefined {
  let count = 0;
  for (const name in metrics) {
    if (++count > telemetryBounds.metricsPerReading)
      return refuse('too-large', `reading has more than ${telemetryBounds.metricsPerReading} metrics`);
    if (!isMetricName(name)) return refuse('malformed', `metric name '${name.slice(0, 64)}' is not allowed`);
    const value = metrics[name];
    switch (typeof value) {
      case 'number':
        if (!Number.isFinite(value)) return refuse('malformed', `metric '${name}' is ${value}`);
        break;
      case 'boolean':
        break;
      case 'string':
        if (value.length > telemetryBounds.stringLength)
          return refuse(
            'too-large',
            `metric '${name}' has ${value.length} characters, allowed are ${telemetryBounds.stringLength}`,
          );
        // Postgres' jsonb takes neither.
        if (value.includes('\0') || !value.isWellFormed())
          return refuse('malformed', `metric '${name}' has a NUL or a lone surrogate`);
        break;
      default:
        return refuse('malformed', `metric '${name}' is ${nameOf(value)}; allowed are number, text and boolean`);
    }
  }
  return count === 0 ? refuse('malformed', 'a reading has at least one metric') : undefined;
}

/** A fleet has few names and sends them all the time: looking one up costs a fifth of matching it. */
const knownNames = new Set<string>();
const maxKnownNames = 10_000;

function isMetricName(name: string): boolean {
  if (knownNames.has(name)) return true;
  if (!metricNamePattern.test(name) || forbiddenKeys.has(name)) return false;
  if (knownNames.size < maxKnownNames) knownNames.add(name);
  return true;
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;
const latest = Date.UTC(9999, 11, 31);

/** Epoch milliseconds of a device's `ts`, or undefined when it is no time. */
export function readTime(value: unknown): number | undefined {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && value >= 0 && value <= latest ? value : undefined;
  if (typeof value !== 'string' || value.length > 40) return undefined;
  const parts = rfc3339.exec(value);
  if (parts === null) return undefined;
  // Date.parse turns 30 February into 1 March.
  const day = Number(parts[3]);
  if (day > new Date(Date.UTC(Number(parts[1]), Number(parts[2]), 0)).getUTCDate()) return undefined;
  const time = Date.parse(value.toUpperCase().replace(' ', 'T'));
  return time >= 0 && time <= latest ? time : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameOf(value: unknown): string {
  return value === null
    ? 'null'
    : Array.isArray(value)
      ? 'an array'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`;
}

function refuse(reason: DeadLetterReason, detail: string): { refusal: Refusal } {
  return { refusal: { reason, detail } };
}
