import { crc32 } from 'node:zlib';

/** Logical shards; fixed for ever, since a device's shard follows from its name. Databases come and go below them. */
export const logicalShards = 64;

/** The logical shard of a device. CRC-32 is stable across versions and languages, and spreads names evenly enough. */
export function logicalShard(tenant: string, device: string): number {
  return crc32(`${tenant}/${device}`) % logicalShards;
}

/** Which database holds each logical shard: 64 names. Versioned data in the core database, never computed from a count. */
export type ShardMap = { version: number; databases: readonly string[] };

/** The first map of an environment: logical shards dealt out in turn. Later maps change by explicit moves only. */
export function firstShardMap(databases: readonly string[]): ShardMap {
  if (databases.length === 0) throw new Error('IOT_SHARD_DATABASE_URLS names no database; at least one is needed');
  return {
    version: 1,
    databases: Array.from({ length: logicalShards }, (_, i) => databases[i % databases.length] as string),
  };
}

/** What of a map cannot be used with the databases that a process was given, one line each; empty when it fits. */
export function shardMapProblems(map: ShardMap, known: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  if (map.databases.length !== logicalShards)
    problems.push(`shard map ${map.version} has ${map.databases.length} entries, it must have ${logicalShards}`);
  for (const name of new Set(map.databases)) {
    if (!known.has(name))
      problems.push(
        `shard map ${map.version} names database '${name}', IOT_SHARD_DATABASE_URLS has ${[...known].join(', ')}`,
      );
  }
  return problems;
}
