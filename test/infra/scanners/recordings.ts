import { imageNames } from '../../../infra/images/names.ts';
import type { Recording } from '../../../infra/recording/record.ts';
import { tierNames } from '../../../infra/tiers.ts';
import { recordEnvironment } from '../support/environments.ts';

/**
 * Every tier with images given by digest, as after a first build (without a lock of the base none is known), and with
 * a CI that deploys.
 */
export async function scannedRecordings(): Promise<readonly { tier: string; recording: Recording }[]> {
  const images = Object.fromEntries(
    imageNames.map((name) => [name, `registry.example.com/iot/${name}@sha256:${'0123456789abcdef'.repeat(4)}`]),
  );
  const all: { tier: string; recording: Recording }[] = [];
  const ci = { repository: 'example/iot-platform', branch: 'main' };
  for (const tier of tierNames)
    all.push({ tier, recording: await recordEnvironment({ tier, settings: { images, ci } }) });
  return all;
}
