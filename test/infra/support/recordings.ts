import type { Recording } from '../../../infra/recording/record.ts';
import { type TierName, tierNames } from '../../../infra/tiers.ts';
import { recordEnvironment } from './environments.ts';

export type TierRecording = { tier: TierName; recording: Recording };

/** Every tier's program in `up` and in `preview`: the eight recordings that the rules of this folder judge. */
export async function allRecordings(): Promise<readonly TierRecording[]> {
  const all: TierRecording[] = [];
  for (const tier of tierNames)
    for (const mode of ['up', 'preview'] as const)
      all.push({ tier, recording: await recordEnvironment({ tier, mode }) });
  return all;
}

export async function recordingOf(tier: TierName, mode: 'up' | 'preview'): Promise<Recording> {
  const found = (await allRecordings()).find((each) => each.tier === tier && each.recording.mode === mode);
  if (found === undefined) throw new Error(`no recording of ${tier} in ${mode}`);
  return found.recording;
}
