import type { Digests } from './plan.ts';

/** Digests of the images that this clone builds. */
export const digestsOfThisClone: Digests = async () => null;
