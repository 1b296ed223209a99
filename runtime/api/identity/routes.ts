import { parse as parseForm } from 'node:querystring';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Provider } from 'oidc-provider';
import { addressKey, retryAfterSeconds } from '../limits/headers.ts';
import type { Limit, RateLimits } from '../limits/rate-limits.ts';
import { contextOf } from '../routes/context.ts';
import { loginPolicy } from '../web/security-headers.ts';
import { loginPath, oauthPrefix } from './authorization-server.ts';
import { errorPage, loginPage, stylePath, styleSheet } from './pages.ts';
import { isPassword } from './secrets.ts';
import { type IdentityStore, normalEmail } from './store.ts';

export type IdentityRouteOptions = {
  /** The one with the keys in force: another one after a rotation. */
  provider: () => Provider;
  publicUrl: string;
  store: IdentityStore;
  limits: RateLimits;
};

/** Log-ins that may be tried: by address 20 at once and 20 a minute, by account 10 and 10. */
const perAddress: Limit = { burst: 20, ratePerSecond: 20 / 60 };
const perAccount: Limit = { burst: 10, ratePerSecond: 10 / 60 };

/** Routes of the bundled authorization server that are in no operations table; the test of undeclared routes names them. */
export const identityPaths = [
  `${oauthPrefix}/*`,
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
] as const;

/** Mounts the authorization server, and the log-in page that it sends people to. */
export function addIdentityRoutes(app: FastifyInstance, options: IdentityRouteOptions): void {
  void app.register((scope, _, done) => {
    acceptForms(scope);
    addLogin(scope, options);
    done();
  });
  void app.register((scope, _, done) => {
    // oidc-provider reads the body itself.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const url of identityPaths)
      scope.all(url, (request, reply) => {
        reply.hijack();
        prepare(request, reply, options.publicUrl);
        return callbackOf(options.provider())(request.raw, reply.raw);
      });
    done();
  });
}

/** Built once for each provider. */
const callbacks = new WeakMap<Provider, ReturnType<Provider['callback']>>();
function callbackOf(provider: Provider): ReturnType<Provider['callback']> {
  const known = callbacks.get(provider) ?? provider.callback();
  callbacks.set(provider, known);
  return known;
}

export function acceptForms(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 4_096 },
    (_request, body, done) => done(null, parseForm(body as string, '&', '=', { maxKeys: 8 })),
  );
}

function addLogin(scope: FastifyInstance, options: IdentityRouteOptions): void {
  scope.get(stylePath, (_request, reply) =>
    reply.header('content-type', 'text/css; charset=utf-8').header('cache-control', 'max-age=3600').send(styleSheet),
  );
  scope.get<{ Params: { uid: string } }>(loginPath(':uid'), async (request, reply) => {
    const details = await interaction(request, reply, options);
    if (details === undefined) return expired(reply);
    const hint = typeof details.params['login_hint'] === 'string' ? details.params['login_hint'] : '';
    return show(reply, 200, { action: loginPath(details.uid), email: hint.slice(0, 254) });
  });
  scope.post<{ Params: { uid: string } }>(loginPath(':uid'), async (request, reply) => {
    const details = await interaction(request, reply, options);
    if (details === undefined || isForeign(request)) return expired(reply);
    const { email, password } = credentials(request.body);
    const form = { action: loginPath(details.uid), email };
    const wait = await waitBefore(options.limits, request.ip, email);
    if (wait > 0)
      return show(reply.header('retry-after', String(wait)), 429, {
        ...form,
        failed: `Too many tries. Try again in ${wait} seconds.`,
      });
    const user = await options.store.user(email);
    // Unknown user and wrong password: the same work, the same words.
    if (!(await isPassword(password, user?.passwordHash)) || user === undefined) {
      contextOf(request).log.info({ event: 'login-refused' }, 'log-in refused');
      return show(reply, 401, { ...form, failed: 'E-mail or password is wrong.' });
    }
    contextOf(request).log.info({ event: 'login', subject: user.email, tenant: user.tenant }, 'logged in');
    reply.hijack();
    prepare(request, reply, options.publicUrl);
    await options.provider().interactionFinished(request.raw, reply.raw, { login: { accountId: user.email } });
  });
}

function credentials(body: unknown): { email: string; password: string } {
  const { email, password } = (body ?? {}) as Record<string, unknown>;
  return {
    email: typeof email === 'string' ? normalEmail(email.replaceAll('\0', '')) : '',
    password: typeof password === 'string' ? password.slice(0, 256) : '',
  };
}

/** @returns seconds to wait, 0 to go on. The account counts whether or not it exists. */
async function waitBefore(limits: RateLimits, address: string, email: string): Promise<number> {
  const taken = await Promise.all([
    limits.take('login', `address ${addressKey(address)}`, perAddress),
    limits.take('login', `account ${email}`, perAccount),
  ]);
  return Math.max(...taken.map((reply) => (reply.allowed ? 0 : retryAfterSeconds(reply))));
}

/** A form that another site's page sent (https://www.w3.org/TR/fetch-metadata/); old browsers send no such header. */
export function isForeign(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin';
}

async function interaction(
  request: FastifyRequest<{ Params: { uid: string } }>,
  reply: FastifyReply,
  { provider, publicUrl }: IdentityRouteOptions,
) {
  prepare(request, reply, publicUrl);
  try {
    const details = await provider().interactionDetails(request.raw, reply.raw);
    return details.uid === request.params.uid ? details : undefined;
  } catch (error) {
    if ((error as Error).name !== 'SessionNotFound') throw error;
    return undefined; // cookie or log-in gone: the person starts again
  }
}

function expired(reply: FastifyReply) {
  return html(
    reply,
    400,
    errorPage('expired', 'This log-in has expired or was begun in another browser. Start again.'),
  );
}

function show(reply: FastifyReply, status: number, form: Parameters<typeof loginPage>[0]) {
  return html(reply, status, loginPage(form));
}

export function html(reply: FastifyReply, status: number, body: string) {
  return reply
    .code(status)
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', loginPolicy)
    .header('cache-control', 'no-store')
    .send(body);
}

/**
 * The authorization server writes its own address into answers and redirects: it is the configured one, never that of
 * a Host header. It answers no cross-origin request either, so it never sees an Origin.
 */
function prepare(request: FastifyRequest, reply: FastifyReply, publicUrl: string): void {
  const { host, protocol } = new URL(publicUrl);
  const { headers } = request.raw;
  headers.host = host;
  headers['x-forwarded-proto'] = protocol.slice(0, -1);
  delete headers['x-forwarded-host'];
  delete headers.origin;
  if (!reply.sent) return;
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value);
  reply.raw.setHeader('content-security-policy', loginPolicy);
}
