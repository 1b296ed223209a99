import { type Configuration, errors, interactionPolicy, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import type pg from 'pg';
import { roles, type Scope, scopes } from '../../contracts/http/operation.ts';
import type { Log } from '../../platform/service/log.ts';
import type { IdentityKeys } from './keys.ts';
import { errorPage, logoutPage } from './pages.ts';
import { isClientSecret } from './secrets.ts';
import { createStateAdapter } from './state-adapter.ts';
import type { IdentityStore, User } from './store.ts';

/** The dashboard's client id: public, authorization code with PKCE, consent implied because it is our own. */
export const dashboardClient = 'dashboard';
/** Where the authorization server's routes are, besides discovery under `/.well-known/`. */
export const oauthPrefix = '/oauth';
export const loginPath = (uid: string) => `${oauthPrefix}/login/${uid}`;

/** Lifetimes in seconds. An access token can not be called back, so it is short; the refresh token ends with the session. */
const accessTokenSeconds = 15 * 60;
const sessionSeconds = 8 * 3_600;

export type AuthorizationServerOptions = {
  /** Issuer and audience, without a slash at the end. */
  publicUrl: string;
  keys: IdentityKeys;
  core: pg.Pool;
  store: IdentityStore;
  log: Log;
};

/**
 * The bundled OAuth 2.0 authorization server: client credentials for machines, authorization code with PKCE (S256)
 * for the dashboard, and nothing else. Access tokens are ES256 JWTs (RFC 9068) with the claims `tenant`, `role`,
 * `scope`.
 */
export function createAuthorizationServer(options: AuthorizationServerOptions): Provider {
  const provider = new Provider(options.publicUrl, configuration(options));
  // The address of a request is what the gateway says, never what a Host header says; see `routes.ts`.
  provider.proxy = true;
  const { prototype } = provider.Client as unknown as {
    prototype: { clientSecret?: string; compareClientSecret(given: string): boolean };
  };
  // Only the hash is stored; oidc-provider by itself would compare with the plain secret.
  prototype.compareClientSecret = function (given) {
    return this.clientSecret !== undefined && isClientSecret(given, this.clientSecret);
  };
  // Discovery and keys come with a CORS header for everyone; no other origin has business here.
  provider.use(async (context, next) => {
    await next();
    context.remove('access-control-allow-origin');
  });
  provider.on('server_error', (_context, error) => options.log.error({ error }, 'authorization server failed'));
  return provider;
}

function configuration({ publicUrl, keys, core, store }: AuthorizationServerOptions): Configuration {
  const policy = interactionPolicy.base();
  policy.remove('consent');
  return {
    adapter: (model) => {
      const adapter = createStateAdapter(core, model);
      return model === 'Client' ? { ...adapter, find: (id) => machineClient(store, id) } : adapter;
    },
    clients: [
      {
        client_id: dashboardClient,
        client_name: 'Dashboard',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: [`${publicUrl}/callback`],
        post_logout_redirect_uris: [`${publicUrl}/`],
      },
    ],
    clientDefaults: { id_token_signed_response_alg: 'ES256', grant_types: [], response_types: [] },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    clientBasedCORS: () => false,
    extraClientMetadata: { properties: ['tenant'] },
    // oidc-provider keeps private JWKs in memory only; the public halves are at /oauth/jwks.
    jwks: { keys: keys.signing as never },
    cookies: {
      keys: keys.cookies,
      names: { session: 'iot_session', interaction: 'iot_login', resume: 'iot_login_resume' },
      long: { signed: true, httpOnly: true, sameSite: 'lax', path: oauthPrefix },
      short: { signed: true, httpOnly: true, sameSite: 'lax' },
    },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    responseTypes: ['code'],
    pkce: { required: () => true },
    scopes: ['openid', ...scopes],
    claims: { openid: ['sub'] },
    routes: {
      authorization: `${oauthPrefix}/auth`,
      token: `${oauthPrefix}/token`,
      jwks: `${oauthPrefix}/jwks`,
      revocation: `${oauthPrefix}/revoke`,
      end_session: `${oauthPrefix}/logout`,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      userinfo: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: {
        enabled: true,
        allowedPolicy: async (_context, client, token) => token.clientId === client.clientId,
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: async (context, form) => {
          context.body = logoutPage(form);
        },
        postLogoutSuccessSource: async (context) => {
          context.redirect(`${publicUrl}/`);
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: async () => publicUrl,
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_context, resource) => {
          if (resource.replace(/\/$/, '') !== publicUrl)
            throw new errors.InvalidTarget(`the only resource here is ${publicUrl}`);
          return {
            scope: scopes.join(' '),
            audience: publicUrl,
            accessTokenFormat: 'jwt',
            accessTokenTTL: accessTokenSeconds,
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
    interactions: { policy, url: (_context, interaction) => loginPath(interaction.uid) },
    findAccount: async (_context, id) => {
      const user = await store.user(id);
      return user === undefined ? undefined : { accountId: user.email, claims: async () => ({ sub: user.email }) };
    },
    loadExistingGrant: (context) => implicitGrant(context, store, publicUrl),
    issueRefreshToken: async (_context, client) => client.clientId === dashboardClient,
    rotateRefreshToken: () => true,
    expiresWithSession: async () => true,
    extraTokenClaims: async (_context, token) => {
      if (token.kind === 'ClientCredentials') return { tenant: token.client?.['tenant'], role: null };
      const user = await store.user((token as { accountId?: string }).accountId ?? '');
      if (user === undefined) throw new errors.InvalidGrant('the account is gone');
      return { tenant: user.tenant, role: user.role };
    },
    formats: {
      customizers: {
        // A machine that names no scope gets all that it was given (RFC 6749, 3.3 lets the server choose a default).
        jwt: async (_context, token, jwt) => {
          if (token.kind !== 'ClientCredentials' || jwt.payload['scope'] !== undefined) return;
          const granted = (token as { client?: { scope?: string } }).client?.scope;
          (token as { scope?: string | undefined }).scope = granted;
          jwt.payload['scope'] = granted;
        },
      },
    },
    ttl: {
      AccessToken: accessTokenSeconds,
      ClientCredentials: accessTokenSeconds,
      AuthorizationCode: 60,
      IdToken: accessTokenSeconds,
      RefreshToken: (context, token) => remaining(context, token) ?? sessionSeconds,
      Interaction: 15 * 60,
      Session: sessionSeconds,
      Grant: sessionSeconds + accessTokenSeconds,
    },
    renderError: (context, out) => {
      context.type = 'html';
      context.body = errorPage(out.error, out.error_description);
    },
  };
}

/** A rotated refresh token ends when the first one would have. */
function remaining(context: KoaContextWithOIDC, _token: unknown): number | undefined {
  const rotated = (context?.oidc?.entities as { RotatedRefreshToken?: { remainingTTL: number } } | undefined)
    ?.RotatedRefreshToken;
  return rotated === undefined ? undefined : Math.max(1, rotated.remainingTTL);
}

async function machineClient(store: IdentityStore, id: string) {
  const client = await store.client(id);
  if (client === undefined) return undefined;
  return {
    client_id: client.id,
    client_name: client.name,
    client_secret: client.secretHash,
    token_endpoint_auth_method: 'client_secret_basic' as const,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: client.scopes.join(' '),
    tenant: client.tenant,
  };
}

/**
 * What a person grants to our own dashboard by logging in: the scopes of the person's role, never more. Made anew at
 * each log-in, so that a changed role counts from then on (and the API cuts a token's scopes to the role it names).
 */
async function implicitGrant(context: KoaContextWithOIDC, store: IdentityStore, publicUrl: string) {
  const { oidc } = context;
  const accountId = oidc.session?.accountId;
  const clientId = oidc.client?.clientId;
  if (accountId === undefined || clientId !== dashboardClient) return undefined;
  const user: User | undefined = await store.user(accountId);
  if (user === undefined) return undefined;
  const allowed: readonly Scope[] = roles[user.role];
  const grant = new oidc.provider.Grant({ accountId, clientId });
  grant.addOIDCScope('openid');
  grant.addResourceScope(publicUrl, allowed.join(' '));
  await grant.save();
  return grant;
}
