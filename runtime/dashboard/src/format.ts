/** Numbers and times in words for a person. Pure; `now` is given. */

export function ago(iso: string | null, now: number): string {
  if (iso === null) return 'never';
  const seconds = Math.round((now - Date.parse(iso)) / 1_000);
  if (seconds < 5) return 'now';
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

export function count(n: number): string {
  return n.toLocaleString('en', { maximumFractionDigits: 0 });
}

/** Per second: two digits below 10, none above. */
export function rate(n: number): string {
  return n.toLocaleString('en', { maximumFractionDigits: n < 10 ? 1 : 0 });
}

export function ms(n: number | null): string {
  if (n === null) return '–';
  return n < 10 ? `${n.toFixed(1)} ms` : n < 10_000 ? `${Math.round(n)} ms` : `${(n / 1_000).toFixed(1)} s`;
}

export function bytes(n: number | null): string {
  if (n === null) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = n;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${value.toFixed(value < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`;
}

export function value(v: number | string | boolean): string {
  if (typeof v === 'number') return Number.isInteger(v) ? String(v) : v.toPrecision(4).replace(/\.?0+$/, '');
  return String(v);
}

export function dateTime(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

export function duration(seconds: number | null): string {
  if (seconds === null) return '–';
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** `heldMessages` as a person says it: `held messages`. */
export function spoken(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
}
