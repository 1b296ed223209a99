import type { Tier } from '../tiers.ts';
import { figures } from './figures.ts';
import { count, type Load, type Sized, step } from './load.ts';
import type { Plan } from './types.ts';

const f = figures;

/** Node types with the bytes that may be written to each. https://cloud.google.com/memorystore/docs/valkey/instance-node-specification */
const nodes: readonly { type: string; gigabytes: number; sharedCore: boolean }[] = [
  { type: 'SHARED_CORE_NANO', gigabytes: 1.12, sharedCore: true },
  { type: 'STANDARD_SMALL', gigabytes: 5.2, sharedCore: false },
  { type: 'HIGHMEM_MEDIUM', gigabytes: 10.4, sharedCore: false },
];

/** One shard always: our scripts touch keys of several slots. A shared core has no SLA: none where there is a replica. */
export function cacheOf(load: Load, tier: Tier): Sized<Plan['cache']> {
  const needed = (load.devices * f.cacheBytesPerDevice.value) / 1e9;
  const writes = f.cacheWritesPerCore.value * f.cacheShare.value;
  // A shared core is for trying things out: a tenth of a core's writes.
  const fits = nodes.filter(
    ({ gigabytes, sharedCore }) =>
      gigabytes >= needed && (!sharedCore || (tier.cache.replicas === 0 && load.peak <= writes / 10)),
  );
  const node = fits[0];
  const problems: string[] = [];
  if (load.peak > writes)
    problems.push(
      `${count(load.devices)} devices at ${count(load.messagesPerDevicePerMinute)} messages a minute are ${count(load.peak)} messages/s at the peak: the cache takes ${count(writes)} states/s, and a larger node is not faster. Set devices or messagesPerDevicePerMinute lower, or split the fleet over two environments`,
    );
  if (node === undefined)
    problems.push(
      `${count(load.devices)} devices need ${count(needed)} GB of cache: the largest node has ${nodes.at(-1)?.gigabytes}. Set devices lower, or split the fleet over two environments`,
    );
  return {
    value: { nodeType: (node ?? nodes.at(-1))?.type ?? '', shards: 1 },
    problems,
    steps: [
      step('cache', `${count(load.devices)} devices × ${count(f.cacheBytesPerDevice.value)} B`, `${count(needed)} GB`),
      step(
        'cache writes',
        `${count(load.peak)} of ${count(f.cacheWritesPerCore.value)} × ${f.cacheShare.value} states/s`,
        node?.type ?? 'none is large enough',
      ),
    ],
  };
}
