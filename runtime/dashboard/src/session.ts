import { signal } from '@preact/signals';
import * as oauth from 'oauth4webapi';

/**
 * Log-in by authorization code with PKCE. Tokens live in this tab alone (sessionStorage, so that a reload does not log
 * out); there is no cookie that another site could ride on.
 */
export type Session = { accessToken: string; expiresAt: number; refreshToken: string | null; idToken: string | null };
type Config = { issuer: string; clientId: string; resource: string };

const storageKey = 'iot-session';
const flowKey = 'iot-login';
export const session = signal<Session | null>(restore());
export const loginError = signal<string | null>(null);

let server:
  | Promise<{ config: Config; as: oauth.AuthorizationServer; client: oauth.Client; options: Record<symbol, boolean> }>
  | undefined;

function authorizationServer() {
  server ??= (async () => {
    const response = await fetch('/dashboard-config.json');
    if (!response.ok) throw new Error(`the dashboard's configuration can not be read (${response.status})`);
    const config = (await response.json()) as Config;
    const issuer = new URL(config.issuer);
    // Plain HTTP is what the one-machine stand has on loopback; anywhere else the issuer must be HTTPS.
    const options =
      issuer.protocol === 'http:' && isLoopback(issuer.hostname) ? { [oauth.allowInsecureRequests]: true } : {};
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));
    return { config, as, client: { client_id: config.clientId }, options };
  })();
  server.catch(() => {
    server = undefined; // the next try discovers anew
  });
  return server;
}

const isLoopback = (host: string) => host === '127.0.0.1' || host === 'localhost' || host === '[::1]';
const redirectUri = () => `${location.origin}/callback`;

/** Leaves for the authorization server's log-in page; it comes back to `/callback`. */
export async function logIn(): Promise<void> {
  loginError.value = null;
  try {
    const { config, as } = await authorizationServer();
    if (as.authorization_endpoint === undefined) throw new Error('the issuer has no authorization endpoint');
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    sessionStorage.setItem(
      flowKey,
      JSON.stringify({
        verifier,
        state,
        returnTo: location.pathname === '/callback' ? '/' : location.pathname + location.search,
      }),
    );
    const url = new URL(as.authorization_endpoint);
    for (const [name, value] of Object.entries({
      client_id: config.clientId,
      redirect_uri: redirectUri(),
      response_type: 'code',
      scope: 'openid devices:read devices:write telemetry:read dead-letters:read dead-letters:write platform:read',
      resource: config.resource,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }))
      url.searchParams.set(name, value);
    location.assign(url);
  } catch (error) {
    loginError.value = `Log-in could not begin: ${(error as Error).message}`;
  }
}

/** Second half of the log-in, on `/callback`. @returns where the person was going. */
export async function finishLogIn(): Promise<string> {
  const flow = JSON.parse(sessionStorage.getItem(flowKey) ?? 'null') as {
    verifier: string;
    state: string;
    returnTo: string;
  } | null;
  sessionStorage.removeItem(flowKey);
  if (flow === null) return '/';
  const { config, as, client, options } = await authorizationServer();
  const parameters = oauth.validateAuthResponse(as, client, new URL(location.href), flow.state);
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    oauth.None(),
    parameters,
    redirectUri(),
    flow.verifier,
    {
      ...options,
      additionalParameters: { resource: config.resource },
    },
  );
  keep(await oauth.processAuthorizationCodeResponse(as, client, response));
  return flow.returnTo.startsWith('/') && !flow.returnTo.startsWith('//') ? flow.returnTo : '/';
}

let refreshing: Promise<string | null> | undefined;

/** A token that is good for at least 30 seconds more, renewed if it can be; null asks for a new log-in. */
export async function accessToken(): Promise<string | null> {
  const now = session.value;
  if (now === null) return null;
  if (now.expiresAt - Date.now() > 30_000) return now.accessToken;
  refreshing ??= refresh(now).finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

async function refresh(now: Session): Promise<string | null> {
  if (now.refreshToken === null) {
    forget();
    return null;
  }
  const { config, as, client, options } = await authorizationServer();
  try {
    const response = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), now.refreshToken, {
      ...options,
      additionalParameters: { resource: config.resource },
    });
    return keep(await oauth.processRefreshTokenResponse(as, client, response), now).accessToken;
  } catch (error) {
    // A refused refresh token is an ended session; a network fault is not, and the caller shows it.
    if (!(error instanceof oauth.ResponseBodyError)) throw error;
    forget();
    return null;
  }
}

function keep(answer: oauth.TokenEndpointResponse, before?: Session): Session {
  const next: Session = {
    accessToken: answer.access_token,
    expiresAt: Date.now() + (answer.expires_in ?? 300) * 1_000,
    refreshToken: answer.refresh_token ?? before?.refreshToken ?? null,
    idToken: answer.id_token ?? before?.idToken ?? null,
  };
  sessionStorage.setItem(storageKey, JSON.stringify(next));
  session.value = next;
  return next;
}

export function forget(): void {
  sessionStorage.removeItem(storageKey);
  session.value = null;
}

/** Ends the session here and at the authorization server. */
export async function logOut(): Promise<void> {
  const idToken = session.value?.idToken;
  forget();
  const { as } = await authorizationServer();
  if (as.end_session_endpoint === undefined) return;
  const url = new URL(as.end_session_endpoint);
  if (idToken) url.searchParams.set('id_token_hint', idToken);
  url.searchParams.set('post_logout_redirect_uri', `${location.origin}/`);
  location.assign(url);
}

function restore(): Session | null {
  try {
    return JSON.parse(sessionStorage.getItem(storageKey) ?? 'null') as Session | null;
  } catch {
    return null; // not ours, or from an older version: log in anew
  }
}
