import { isJsonObject, jsonBytes, jsonProblem, parseJson, sameJson } from './json.ts';

/**
 * A device's twin: what people want of it (desired) and what it says of itself (reported). Each is one JSON object, whole,
 * with a version of its own that rises by one with each change. Everything here is pure.
 */
export type TwinDocument = Readonly<Record<string, unknown>>;

export const twinBounds = {
  /** Each of the two as compact JSON in UTF-8. Also the longest MQTT payload that the gateway takes. */
  bytes: 256 * 1024,
  /** Objects and arrays inside each other, the document itself counted. */
  depth: 16,
} as const;

/** Body on `/devices/{id}/config`: at each connection that subscribes to it and at each change. JSON. */
export type ConfigMessage = { version: number; updatedAt: string; desired: TwinDocument };

/**
 * Body that a device sends on `/devices/{id}/state`: its whole reported state, plain, or with a version of its own that
 * rises with each, over restarts too. With one a lower or the same is ignored; without it the order of sending decides.
 */
export type StateMessage = TwinDocument | { version: number; reported: TwinDocument };
export type Report = { document: TwinDocument; version: number | null };
/** Why a message of a device is not taken; it becomes a dead letter. */
export type Unread = { problem: string; reason: 'malformed' | 'too-large' };

/** @returns what a payload reports, or why it reports nothing. */
export function readReport(data: Uint8Array): Report | Unread {
  if (data.length > twinBounds.bytes)
    return {
      reason: 'too-large',
      problem: `a reported state has ${data.length} bytes, allowed are ${twinBounds.bytes}`,
    };
  let value: unknown;
  try {
    value = parseJson(data);
  } catch (error) {
    return { reason: 'malformed', problem: (error as Error).message };
  }
  const report = enveloped(value)
    ? { document: value.reported, version: value.version }
    : { document: value, version: null };
  const problem = documentProblem(report.document);
  return problem === undefined ? (report as Report) : { reason: 'malformed', problem: `a reported state ${problem}` };
}

function enveloped(value: unknown): value is { version: number; reported: TwinDocument } {
  return (
    isJsonObject(value) &&
    Object.keys(value).length === 2 &&
    Number.isSafeInteger(value['version']) &&
    (value['version'] as number) >= 0 &&
    isJsonObject(value['reported'])
  );
}

/** What keeps a value from being a document, as the rest of a sentence; undefined when it is one. */
export function documentProblem(value: unknown): string | undefined {
  if (!isJsonObject(value)) return 'must be one JSON object';
  const problem = jsonProblem(value, twinBounds.depth);
  if (problem !== undefined) return problem;
  const bytes = jsonBytes(value);
  return bytes > twinBounds.bytes ? `has ${bytes} bytes as JSON, allowed are ${twinBounds.bytes}` : undefined;
}

/** RFC 7396: `null` removes, objects merge, everything else replaces. Neither argument is changed. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const merged: Record<string, unknown> = isJsonObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch))
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  return merged;
}

/**
 * Desired minus reported: what the device has not said it has. Objects are compared member by member, everything else
 * as a whole; what is reported and not desired is the device's own business. Empty when all that is desired is reported.
 */
export function deltaOf(desired: TwinDocument, reported: TwinDocument): TwinDocument {
  const delta: Record<string, unknown> = {};
  for (const [name, wanted] of Object.entries(desired)) {
    const has = Object.hasOwn(reported, name) ? reported[name] : undefined;
    if (isJsonObject(wanted) && isJsonObject(has)) {
      const inner = deltaOf(wanted, has);
      if (Object.keys(inner).length > 0) delta[name] = inner;
    } else if (!sameJson(wanted, has)) delta[name] = wanted;
  }
  return delta;
}
