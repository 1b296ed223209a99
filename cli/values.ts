import { InvalidArgumentError } from 'commander';
import type { z } from 'zod';
import { instantMs } from '../runtime/contracts/http/operation.ts';

/** Readers of option values. What they throw becomes: option, value, and what is allowed. */

export const whole = (min: number, max: number) => (text: string) => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new InvalidArgumentError(`Allowed is a whole number ${min} to ${max}.`);
  return value;
};

/** A value that a contract's schema must accept; its sentence is the error. */
export const matching = (schema: z.ZodType<string>) => (text: string) => {
  const parsed = schema.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError(`${parsed.error.issues.map((i) => i.message).join('; ')}.`);
  return parsed.data;
};

/** Several values in one, by commas. */
export const list =
  <T>(read: (text: string) => T) =>
  (text: string) =>
    text.split(',').map((part) => read(part.trim()));

/** For an option that may be given several times. */
export const collect =
  <T>(read: (text: string) => T) =>
  (text: string, before: T[] | undefined) => [...(before ?? []), read(text)];

/** `2026-11-22T10:00:00Z`, epoch milliseconds, `now`, or a while ago: `15m`, `2h`, `7d`. */
export function instant(text: string, now: number = Date.now()): string {
  if (text === 'now') return String(now);
  const ago = /^(\d{1,6})(s|m|h|d)$/.exec(text);
  if (ago !== null) {
    const unit = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[ago[2] as 's' | 'm' | 'h' | 'd'];
    return String(now - Number(ago[1]) * unit);
  }
  if (Number.isFinite(instantMs(text)) && /^(\d{12,13}$|\d{4}-\d{2}-\d{2}T)/.test(text)) return text;
  throw new InvalidArgumentError(
    'Allowed is RFC 3339 (2026-11-22T10:00:00Z), epoch milliseconds, now, or a while ago (15m, 2h, 7d).',
  );
}

export const url = (text: string) => {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new InvalidArgumentError('Allowed is a URL that begins with http:// or https://.');
  return text.replace(/\/+$/, '');
};

/** `gateway.IOT_LOG_LEVEL=debug`, or `IOT_LOG_LEVEL=debug` for all parts. */
export function setting(parts: readonly string[]) {
  return (text: string): { part: string; name: string; value: string } => {
    const found = /^(?:([a-z]+)\.)?([A-Z][A-Z0-9_]*)=(.*)$/s.exec(text);
    const part = found?.[1] ?? '*';
    if (found === null || (part !== '*' && !parts.includes(part)))
      throw new InvalidArgumentError(`Allowed is PART.NAME=VALUE or NAME=VALUE; parts are ${parts.join(', ')}.`);
    return { part, name: found[2] as string, value: found[3] as string };
  };
}
