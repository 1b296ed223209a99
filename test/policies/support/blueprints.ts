import { imageNames } from '../../../infra/images/names.ts';
import type { Recording } from '../../../infra/recording/record.ts';
import { type TierName, tierNames } from '../../../infra/tiers.ts';
import { recordEnvironment } from '../../infra/support/environments.ts';

/** Digests as a clone has them that knows its base image: without one the program names no image that could run. */
export const images = Object.fromEntries(
  imageNames.map((name) => [name, `europe-west1-docker.pkg.dev/iot/images/${name}@sha256:${'0a'.repeat(32)}`]),
);

/** The blueprint of every tier in `up` and in `preview`, as it is when its images are known. */
export async function blueprints(): Promise<readonly { tier: TierName; recording: Recording }[]> {
  const all: { tier: TierName; recording: Recording }[] = [];
  for (const tier of tierNames)
    for (const mode of ['up', 'preview'] as const)
      all.push({ tier, recording: await recordEnvironment({ tier, mode, settings: { images } }) });
  return all;
}
