import type pg from 'pg';
import type { Registry } from 'prom-client';
import type { z } from 'zod';
import type { CalledService } from '../contracts/callers.ts';
import { operations } from '../contracts/http/index.ts';
import { defaultTenant } from '../contracts/identifiers.ts';
import type { ApiSettings } from '../contracts/settings/services.ts';
import type { Cache } from '../platform/cache/cache.ts';
import { connectGoogle } from '../platform/google/google.ts';
import { openSecret } from '../platform/google/secret.ts';
import { createUpstream } from '../platform/http/client.ts';
import { openServiceToken } from '../platform/identity/service-token.ts';
import type { Log } from '../platform/service/log.ts';
import type { Tracing } from '../platform/service/trace.ts';
import { bundledVerifier, externalVerifier } from './access/issuers.ts';
import { enrolmentAt } from './est/devices.ts';
import { startEst } from './est/listener.ts';
import { createAuthorizationServer, dashboardClient } from './identity/authorization-server.ts';
import { addCodePage, type CodePage, firstAdministratorPath, invitationPath } from './identity/code-pages.ts';
import { type FirstAdministrator, offerFirstAdministrator } from './identity/first-administrator.ts';
import { openIdentityKeys } from './identity/open-keys.ts';
import { addIdentityRoutes } from './identity/routes.ts';
import { sweepExpiredState } from './identity/state-adapter.ts';
import { createIdentityStore } from './identity/store.ts';
import { createRateLimits } from './limits/rate-limits.ts';
import { readTenantQuotas } from './limits/tenant-quotas.ts';
import { createLiveHub } from './live/hub.ts';
import { createLiveStreams } from './live/stream.ts';
import { openApiDocument } from './openapi/document.ts';
import { peopleHandlers } from './people/handlers.ts';
import { createInvitations, type Invitations } from './people/invitations.ts';
import { createParts, parseParts } from './platform/parts.ts';
import { addOperations } from './routes/operations.ts';
import { ownHandlers } from './routes/own.ts';
import { createServer, type ServerBounds } from './server.ts';
import { addDashboard } from './web/dashboard.ts';

export type ApiDependencies = {
  settings: Readonly<z.output<typeof ApiSettings>>;
  log: Log;
  metrics: Registry;
  core: pg.Pool;
  cache: Cache;
  tracing?: Tracing;
  /** Epoch milliseconds. */
  clock?: () => number;
  bounds?: Partial<ServerBounds>;
};

/** The API gateway, ready to listen: the public operations, the authorization server, the dashboard. */
export async function createApi(dependencies: ApiDependencies) {
  const { settings, log, metrics, core, cache, tracing, clock = Date.now } = dependencies;
  const publicUrl = settings.IOT_PUBLIC_URL.replace(/\/$/, '');
  const external = settings.IOT_OIDC_ISSUER;
  const limits = createRateLimits({ cache, clock, metrics });
  const { app, routes } = createServer({
    operations,
    limits,
    addressLimit: { burst: settings.IOT_RATE_PER_ADDRESS, ratePerSecond: settings.IOT_RATE_PER_ADDRESS },
    publicUrl,
    bodyBytes: settings.IOT_BODY_BYTES,
    trustProxy: settings.IOT_TRUST_PROXY,
    log,
    metrics,
    tracing,
    bounds: dependencies.bounds,
  });

  const upstream = (name: CalledService, url: string, concurrent?: number) => {
    const identity = openServiceToken(settings.IOT_IDENTITY_DIR, name);
    return createUpstream({ name, url, identity, ...(concurrent === undefined ? {} : { concurrent }) }, log, tracing);
  };
  const upstreams = {
    devices: upstream('devices', settings.IOT_DEVICES_URL),
    telemetry: upstream('telemetry', settings.IOT_TELEMETRY_URL),
  };
  const waiting = upstream('devices', settings.IOT_DEVICES_URL, mostWaiting);
  const parts = createParts({
    parts: parseParts(settings.IOT_PARTS),
    ownChecks: storeChecks(core, cache),
    statusFile: settings.IOT_LOCAL_STATUS,
    log,
    clock,
  });
  const hub = createLiveHub(cache, log);
  const streams = createLiveStreams({ hub, clock, metrics });

  const keys = external === undefined ? await openIdentityKeys(settings, core, log) : undefined;
  const administrator = firstAdministrator(settings, core, `${publicUrl}${firstAdministratorPath}`, log);
  const quotas = readTenantQuotas(core, log);
  const audience = settings.IOT_OIDC_AUDIENCE ?? publicUrl;
  const enrolmentLimit = { burst: settings.IOT_RATE_ENROLMENTS, ratePerSecond: settings.IOT_RATE_ENROLMENTS };
  addOperations(app, operations, {
    verifier:
      keys === undefined
        ? externalVerifier(external as string, audience, clock)
        : bundledVerifier(publicUrl, keys, clock),
    limits,
    clientLimit: { burst: settings.IOT_RATE_PER_CLIENT, ratePerSecond: settings.IOT_RATE_PER_CLIENT },
    enrolmentLimit,
    upstreams,
    quotas,
    waiting,
    own: {
      ...ownHandlers({ parts, streams, clock }),
      ...peopleHandlers({ core, devices: upstreams.devices, invitationUrl: `${publicUrl}${invitationPath}`, clock }),
    },
  });
  if (keys !== undefined) {
    const store = createIdentityStore(core);
    const create = () => createAuthorizationServer({ publicUrl, keys: keys.current(), core, store, log });
    let provider = create();
    keys.onChange(() => {
      provider = create();
    });
    addIdentityRoutes(app, { provider: () => provider, publicUrl, store, limits });
    addCodePage(app, invitationPage(createInvitations(core)), limits);
    if (administrator !== undefined) addCodePage(app, administratorPage(administrator), limits);
  }
  const document = JSON.stringify(openApiDocument(operations, { publicUrl, issuer: external }));
  app.get('/openapi.json', (_request, reply) =>
    reply.header('content-type', 'application/json').header('cache-control', 'max-age=60').send(document),
  );
  await addDashboard(app, { dir: settings.IOT_DASHBOARD_DIR, publicUrl, issuer: external, clientId: dashboardClient });
  const sweep = keys === undefined ? undefined : startSweep(core, log);
  await app.ready();
  let est: Awaited<ReturnType<typeof startEst>> | undefined;

  return {
    app,
    /** `METHOD /path` of everything that answers. */
    routes,
    /** Tenants' request quotas are read each ten seconds; this reads them now. */
    readQuotas: quotas.look,
    async listen() {
      await app.listen({ host: settings.IOT_BIND, port: settings.IOT_HTTP_PORT });
      const { IOT_EST_PORT: port, IOT_EST_TLS_DIR: tlsDir, IOT_BIND: bind } = settings;
      if (port !== undefined && tlsDir !== undefined)
        est = await startEst({
          port,
          tlsDir,
          bind,
          enrolment: enrolmentAt(upstreams.devices),
          limits,
          enrolmentLimit,
          log,
        });
    },
    async close() {
      clearInterval(sweep);
      keys?.stop();
      administrator?.stop();
      quotas.stop();
      parts.stop();
      streams.close();
      await est?.close();
      await app.close();
      for (const each of [...Object.values(upstreams), waiting]) each.close();
    },
  };
}
export type Api = Awaited<ReturnType<typeof createApi>>;

function firstAdministrator(settings: ApiDependencies['settings'], core: pg.Pool, page: string, log: Log) {
  if (settings.IOT_FIRST_ADMIN_SECRET === undefined) return undefined;
  const google = connectGoogle({ endpoint: settings.IOT_GOOGLE_ENDPOINT });
  return offerFirstAdministrator({ core, secret: openSecret(google, settings.IOT_FIRST_ADMIN_SECRET), page, log });
}

const administratorPage = (administrator: FirstAdministrator): CodePage => ({
  path: firstAdministratorPath,
  title: 'First administrator',
  button: 'Make the administrator',
  made: 'The administrator is made',
  event: 'first-administrator',
  refused: 'This code is wrong or used, or there is an administrator already.',
  redeem: (code, email, password) => administrator.redeem(code, email, password),
});

const invitationPage = (invitations: Invitations): CodePage => ({
  path: invitationPath,
  title: 'Invitation',
  button: 'Choose this password',
  made: 'You can log in now',
  event: 'invitation',
  refused: 'This code is wrong, used or over, or it was made for another address.',
  redeem: invitations.redeem,
});

function storeChecks(core: pg.Pool, cache: Cache) {
  return [
    {
      name: 'postgres',
      check: async () => {
        await core.query('select 1 from tenants where id = $1', [defaultTenant]);
        return { up: true, detail: '' };
      },
    },
    {
      name: 'redis',
      check: async () => ({ up: cache.status() === 'up', detail: cache.status() === 'up' ? '' : 'does not answer' }),
    },
  ];
}

/** Callers that wait for something at the same time; as many more wait for that. */
const mostWaiting = 256;
const sweepEveryMs = 60_000;

function startSweep(core: pg.Pool, log: Log): NodeJS.Timeout {
  return setInterval(() => {
    sweepExpiredState(core).then(
      (rows) => log.debug({ rows }, 'expired authorization state removed'),
      (error: Error) => log.warn({ error: error.message }, 'expired authorization state not removed; tried again'),
    );
  }, sweepEveryMs).unref();
}
