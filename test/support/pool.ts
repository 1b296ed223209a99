import pg from 'pg';

/**
 * A pool whose `end` waits until its connections are closed: pg's own ends before, and a server that then stops makes their
 * last word an error that nobody hears.
 */
export function testPool(connectionString: string, max = 8): pg.Pool {
  const pool = new pg.Pool({ connectionString, max });
  const open = new Map<pg.PoolClient, Promise<unknown>>();
  pool.on('connect', (client) => void open.set(client, new Promise((resolve) => client.once('end', resolve))));
  const end = pool.end.bind(pool) as () => Promise<void>;
  return Object.assign(pool, {
    async end() {
      await end();
      await Promise.all(open.values());
    },
  });
}
