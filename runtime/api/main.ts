import { ApiSettings } from '../contracts/settings/services.ts';
import { connectCache } from '../platform/cache/cache.ts';
import { cacheSettings } from '../platform/cache/from-settings.ts';
import { createPool } from '../platform/database/pool.ts';
import { runService } from '../platform/service/run.ts';
import { startTracing } from '../platform/service/trace.ts';
import { createApi } from './api.ts';

await runService({
  service: 'api',
  schema: ApiSettings,
  env: process.env,
  stopWithinMs: 20_000,
  start: async ({ settings, log, metrics }) => {
    const core = createPool(
      {
        name: 'core',
        url: settings.IOT_CORE_DATABASE_URL,
        google: settings.IOT_GOOGLE_ENDPOINT,
        application: settings.IOT_INSTANCE,
        max: 8,
        connectMs: 2_000,
        statementMs: 5_000,
      },
      log,
    );
    const cache = connectCache(cacheSettings(settings), { log, name: settings.IOT_INSTANCE });
    const tracing = startTracing(settings, 'api');
    const api = await createApi({ settings, log, metrics, core, cache, tracing });
    await api.listen();
    return {
      // Neither store makes it unready: without Redis limits are local, without Postgres issued tokens go on working.
      health: { live: () => true, notReady: () => [] },
      async stop() {
        await api.close();
        await Promise.all([cache.close(), core.end(), tracing.stop()]);
      },
    };
  },
});
