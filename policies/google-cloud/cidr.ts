/** Address ranges as firewalls and authorised networks name them. Text that is no range is nobody's range: null. */
export type Range = { readonly family: 4 | 6; readonly start: bigint; readonly prefix: number };

export function rangeOf(text: unknown): Range | null {
  if (typeof text !== 'string') return null;
  // Some APIs write the whole world as `*`.
  if (text === '*') return { family: 4, start: 0n, prefix: 0 };
  const [address = '', length, ...rest] = text.trim().split('/');
  if (rest.length > 0) return null;
  const family = address.includes(':') ? 6 : 4;
  const start = family === 4 ? parse4(address) : parse6(address);
  const bits = family === 4 ? 32 : 128;
  const prefix = length === undefined ? bits : /^\d+$/.test(length) ? Number(length) : Number.NaN;
  if (start === null || !(prefix <= bits)) return null;
  const below = BigInt(bits - prefix);
  return { family, start: (start >> below) << below, prefix };
}

/**
 * Whether the ranges together hold nearly every address: a world split in halves or quarters is the world. Counted in
 * addresses without overlaps, so that one half twice is one half.
 * @param share of all addresses from which on it counts as the world.
 */
export function isWorld(texts: readonly unknown[], share = 0.25): boolean {
  return ([4, 6] as const).some((family) => {
    const ranges = texts.map(rangeOf).filter((range): range is Range => range?.family === family);
    if (family === 6 && ranges.some(({ prefix }) => prefix <= 3)) return true;
    const size = family === 4 ? 32n : 128n;
    const sorted = ranges
      .map(({ start, prefix }) => ({ start, end: start + (1n << (size - BigInt(prefix))) }))
      .sort((a, b) => (a.start < b.start ? -1 : 1));
    let covered = 0n;
    let reached = 0n;
    for (const { start, end } of sorted) {
      const from = start > reached ? start : reached;
      if (end > from) covered += end - from;
      if (end > reached) reached = end;
    }
    return Number(covered) / Number(1n << size) >= share;
  });
}

function parse4(text: string): bigint | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return null;
  return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function parse6(text: string): bigint | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  return groups.reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n);
}
