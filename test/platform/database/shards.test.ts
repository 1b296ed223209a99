import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fanOut, openShardPools } from '../../../runtime/platform/database/shard-pools.ts';
import { firstShardMap, logicalShard, shardMapProblems } from '../../../runtime/platform/database/shards.ts';
import { quietLog } from '../../support/log.ts';

const word = fc.stringMatching(/^[a-z][a-z0-9-]{1,20}$/);

test('a device has one logical shard from 0 to 63, pinned for ever', () => {
  fc.assert(
    fc.property(word, word, (tenant, device) => {
      const shard = logicalShard(tenant, device);
      expect(shard).toBeGreaterThanOrEqual(0);
      expect(shard).toBeLessThan(64);
    }),
  );
  // Stored data lies by these numbers: a change of the function would lose devices.
  expect([logicalShard('main', 'thermostat-0001'), logicalShard('main', 'thermostat-0002')]).toEqual([62, 4]);
});

test('a map with a database this process was not given, or of the wrong length, is named with the way out', () => {
  const map = firstShardMap(['a', 'b']);
  expect(shardMapProblems(map, new Set(['a', 'b']))).toEqual([]);
  expect(shardMapProblems(map, new Set(['a']))[0]).toContain("names database 'b', IOT_SHARD_DATABASE_URLS has a");
  expect(shardMapProblems({ version: 2, databases: ['a'] }, new Set(['a']))[0]).toContain('1 entries');
});

test('fan-out names a dead and a slow database and does not wait past the deadline', async () => {
  const never = new Promise<string>(() => undefined);
  const answer = await fanOut(
    ['a', 'dead', 'slow'],
    (name) => (name === 'a' ? Promise.resolve('rows') : name === 'dead' ? Promise.reject(new Error('away')) : never),
    20,
    quietLog,
  );
  expect(answer).toEqual({ results: new Map([['a', 'rows']]), missing: ['dead', 'slow'] });
});

test('fan-out throws an error that is ours', async () => {
  const wrong = Object.assign(new Error('syntax'), { code: '42601' });
  await expect(fanOut(['a'], () => Promise.reject(wrong), 1_000, quietLog)).rejects.toBe(wrong);
});

test('the last good map outlives core, a bad map, and takes a good newer one', async () => {
  let answer: () => { version: number; databases: readonly string[] } = () => firstShardMap(['a', 'b']);
  const core = { query: async () => ({ rows: [answer()] }) } as unknown as Parameters<typeof openShardPools>[0]['core'];
  const shards = await openShardPools(
    {
      core,
      urls: { a: 'postgres://127.0.0.1:1/a', b: 'postgres://127.0.0.1:1/b' },
      pool: { application: 'test', max: 1, connectMs: 100, statementMs: 100 },
    },
    quietLog,
  );
  answer = () => {
    throw new Error('core is away');
  };
  await expect(shards.refresh()).rejects.toThrow('core is away');
  answer = () => ({ ...firstShardMap(['a', 'c']), version: 2 });
  await expect(shards.refresh()).rejects.toThrow("'c'");
  expect([shards.mapVersion(), shards.names()]).toEqual([1, ['a', 'b']]);
  answer = () => ({ ...firstShardMap(['b']), version: 3 });
  await shards.refresh();
  expect([shards.mapVersion(), shards.names(), shards.databaseOf('main', 'dev-1')]).toEqual([3, ['b'], 'b']);
  await shards.stop();
});
