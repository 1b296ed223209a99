import { createHash, randomBytes } from 'node:crypto';

/** A browser as far as a log-in needs one: cookies by path, redirects one by one, forms. */
export function createBrowser() {
  const jar = new Map<string, { value: string; path: string }>();
  const trail: string[] = [];
  async function visit(url: string, init: RequestInit = {}): Promise<Response> {
    const { pathname } = new URL(url);
    const cookie = [...jar]
      .filter(([, { path }]) => pathname.startsWith(path))
      .map(([name, { value }]) => `${name}=${value}`)
      .join('; ');
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { accept: 'text/html', ...(cookie === '' ? {} : { cookie }), ...(init.headers as object) },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const at = pair.indexOf('=');
      const path = attributes.find((a) => a.toLowerCase().startsWith('path='))?.slice(5) ?? '/';
      if (pair.slice(at + 1) === '') jar.delete(pair.slice(0, at));
      else jar.set(pair.slice(0, at), { value: pair.slice(at + 1), path });
    }
    trail.push(`${response.status} ${url}`);
    return response;
  }
  return {
    jar,
    trail,
    visit,
    /** Follows redirects until a page, or until a URL that begins with `until`. */
    async follow(url: string, until: string, init: RequestInit = {}): Promise<{ url: string; response?: Response }> {
      let at = url;
      let next = init;
      for (let hops = 0; hops < 10; hops++) {
        if (at.startsWith(until)) return { url: at };
        const response = await visit(at, next);
        const location = response.headers.get('location');
        if (location === null) return { url: at, response };
        at = new URL(location, at).href;
        next = {};
      }
      throw new Error(`too many redirects: ${trail.join(' -> ')}`);
    },
  };
}
export type Browser = ReturnType<typeof createBrowser>;

export function pkce() {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** The authorization request that the dashboard makes. */
export function authorizationUrl(base: string, challenge: string, changes: Record<string, string | undefined> = {}) {
  const url = new URL('/oauth/auth', base);
  const parameters: Record<string, string | undefined> = {
    client_id: 'dashboard',
    redirect_uri: `${base}/callback`,
    response_type: 'code',
    scope: 'openid devices:read devices:write telemetry:read platform:read',
    resource: base,
    state: 'some-state',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...changes,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

/** Logs in through the pages, up to the redirect to the dashboard. @returns its URL with `code`. */
export async function logIn(browser: Browser, base: string, challenge: string, email: string, password: string) {
  const page = await browser.follow(authorizationUrl(base, challenge), `${base}/callback`);
  if (page.response === undefined) return new URL(page.url);
  const done = await browser.follow(page.url, `${base}/callback`, {
    method: 'POST',
    body: new URLSearchParams({ email, password }),
  });
  if (done.response !== undefined) throw new Error(`log-in ended at ${browser.trail.join(' -> ')}`);
  return new URL(done.url);
}

export function exchange(base: string, code: string, verifier: string, changes: Record<string, string> = {}) {
  return fetch(`${base}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'dashboard',
      code,
      redirect_uri: `${base}/callback`,
      code_verifier: verifier,
      resource: base,
      ...changes,
    }),
  });
}
