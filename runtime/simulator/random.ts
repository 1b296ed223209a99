import { createHash } from 'node:crypto';

/** Numbers in [0, 1) that follow from a text alone: the same device behaves the same in every run (mulberry32). */
export function seeded(text: string): () => number {
  let state = createHash('sha256').update(text).digest().readUInt32LE(0);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Roughly normal, mean 0 and deviation 1, within ±3.5: the sum of twelve uniform numbers, squeezed. */
export function bell(random: () => number): number {
  let sum = 0;
  for (let i = 0; i < 12; i++) sum += random();
  return Math.max(-3.5, Math.min(3.5, sum - 6));
}
