import type { AlertRule } from '../contracts/device-type.ts';

/** What rules look at: a reading in the order of `ts`, then `seq`. Times are epoch milliseconds. */
export type Seen = { ts: number; seq: number; received: number; values: Readonly<Record<string, unknown>> };

/** How far a device was looked at, and which of its rules have an open alert. */
export type AlertState = { ts: number; seq: number; received: number; open: ReadonlySet<string> };

export type AlertChange =
  | {
      change: 'open';
      rule: string;
      kind: AlertRule['kind'];
      severity: AlertRule['severity'];
      detail: string;
      readingTs: number;
      at: number;
    }
  | { change: 'close'; rule: string; readingTs: number; at: number };

/**
 * Runs a device's rules over readings newer than what was looked at before. A threshold opens when a reading crosses it
 * and closes when a later one does not; a reading without the rule's metric changes nothing; any reading closes
 * silence. What is older than the state is left out: a late reading neither opens nor closes.
 * @param readings in any order.
 */
export function look(
  rules: readonly AlertRule[],
  state: AlertState | undefined,
  readings: readonly Seen[],
): { state: AlertState | undefined; changes: AlertChange[] } {
  const open = new Set(state?.open);
  const changes: AlertChange[] = [];
  let last = state;
  for (const reading of readings.toSorted(byTime)) {
    if (last !== undefined && byTime(reading, last) <= 0) continue;
    for (const rule of rules) {
      if (rule.kind === 'silence') {
        if (open.delete(rule.id)) changes.push(close(rule.id, reading));
        continue;
      }
      const value = asNumber(reading.values[rule.metric]);
      if (value === undefined) continue;
      const crossed = crosses(rule.operator, value, rule.value);
      if (crossed && !open.has(rule.id)) {
        open.add(rule.id);
        const detail = `${rule.metric} is ${value}, the rule is ${rule.operator} ${rule.value}`;
        const { id, kind, severity } = rule;
        changes.push({ change: 'open', rule: id, kind, severity, detail, readingTs: reading.ts, at: reading.received });
      } else if (!crossed && open.delete(rule.id)) changes.push(close(rule.id, reading));
    }
    last = { ts: reading.ts, seq: reading.seq, received: Math.max(reading.received, last?.received ?? 0), open };
  }
  // A rule that the type no longer has can not stay open for ever.
  const known = new Set(rules.map((rule) => rule.id));
  if (last !== undefined)
    for (const rule of [...open])
      if (!known.has(rule) && open.delete(rule))
        changes.push({ change: 'close', rule, readingTs: last.ts, at: last.received });
  return { state: last === undefined ? undefined : { ...last, open }, changes };
}

/** Silence, by the gateway's clock: a device with a wrong clock is not silent. */
export function lookForSilence(
  rules: readonly AlertRule[],
  state: AlertState,
  now: number,
): { state: AlertState; changes: AlertChange[] } {
  const open = new Set(state.open);
  const changes: AlertChange[] = [];
  for (const rule of rules) {
    if (rule.kind !== 'silence' || open.has(rule.id)) continue;
    if (now - state.received < rule.seconds * 1_000) continue;
    open.add(rule.id);
    const detail = `no reading for ${rule.seconds} s`;
    const { id, kind, severity } = rule;
    changes.push({ change: 'open', rule: id, kind, severity, detail, readingTs: state.ts, at: now });
  }
  return { state: { ...state, open }, changes };
}

/** When the next silence rule would open, or null when none can. */
export function silentAt(rules: readonly AlertRule[], state: AlertState): number | null {
  let next: number | null = null;
  for (const rule of rules) {
    if (rule.kind !== 'silence' || state.open.has(rule.id)) continue;
    const at = state.received + rule.seconds * 1_000;
    if (next === null || at < next) next = at;
  }
  return next;
}

export function byTime(a: { ts: number; seq: number }, b: { ts: number; seq: number }): number {
  return a.ts - b.ts || a.seq - b.seq;
}

function close(rule: string, reading: Seen): AlertChange {
  return { change: 'close', rule, readingTs: reading.ts, at: reading.received };
}

function asNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'boolean' ? Number(value) : undefined;
}

function crosses(operator: (AlertRule & { kind: 'threshold' })['operator'], value: number, limit: number): boolean {
  switch (operator) {
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
    case '==':
      return value === limit;
    case '!=':
      return value !== limit;
  }
}
