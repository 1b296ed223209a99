import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { freePort } from '../ports.ts';

/** One request that a Google API got, bytes and headers as they came. */
export type Seen = {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** Parsed body, undefined when there was none. */
  body: unknown;
};
export type Reply = { status?: number; body?: unknown; headers?: Record<string, string>; text?: string };
/** Answers what is its own; undefined leaves the request to the next one. */
export type Api = (seen: Seen) => Reply | undefined | Promise<Reply | undefined>;

/** An error in Google's form. */
export const refusal = (status: number, reason: string, message = 'said by the test server'): Reply => ({
  status,
  body: { error: { code: status, status: reason, message } },
});

export type GoogleServer = {
  endpoint: string;
  seen: Seen[];
  /** Requests whose path holds `part`. */
  of(part: string): Seen[];
  /** Answers the next `times` requests whose path holds `part`, instead of its API; `drop` cuts the connection, `hang` never answers. */
  fail(part: string, reply: Reply | 'drop' | 'hang', times?: number): void;
  /** Changes what an API answers on its way, as a broken proxy would. */
  alter(part: string, change: (body: Record<string, unknown>) => void): void;
  tokens: {
    /** Life of tokens from now on, seconds. */
    life: number;
    issued: string[];
    /** Called before a new token is given out. */
    onIssue?: (token: string) => Promise<void>;
    /** No token given out so far is good any more. */
    revoke(): void;
  };
  stop(): Promise<void>;
};

/** Google's REST APIs and the metadata server of a pod, on one port of loopback. Refuses every request without a good token. */
export async function startGoogle(apis: readonly Api[]): Promise<GoogleServer> {
  const seen: Seen[] = [];
  const good = new Set<string>();
  const faults: { part: string; reply: Reply | 'drop' | 'hang'; left: number }[] = [];
  const changes: { part: string; change: (body: Record<string, unknown>) => void }[] = [];
  const tokens: GoogleServer['tokens'] = { life: 3_600, issued: [], revoke: () => good.clear() };

  const metadata: Api = async ({ path, headers }) => {
    if (path !== '/computeMetadata/v1/instance/service-accounts/default/token') return undefined;
    if (headers['metadata-flavor'] !== 'Google') return { status: 403, text: 'Missing Metadata-Flavor:Google header.' };
    const token = `ya29.${randomBytes(12).toString('base64url')}`;
    await tokens.onIssue?.(token);
    good.add(token);
    tokens.issued.push(token);
    return {
      headers: { 'metadata-flavor': 'Google' },
      body: { access_token: token, expires_in: tokens.life, token_type: 'Bearer' },
    };
  };

  async function answer(one: Seen): Promise<Reply | 'drop' | 'hang'> {
    const fault = faults.find(({ part, left }) => left > 0 && one.path.includes(part));
    if (fault !== undefined) {
      fault.left -= 1;
      return fault.reply;
    }
    const own = await metadata(one);
    if (own !== undefined) return own;
    const token = /^Bearer (.+)$/.exec(String(one.headers['authorization'] ?? ''))?.[1];
    if (token === undefined || !good.has(token))
      return refusal(401, 'UNAUTHENTICATED', 'Invalid authentication credentials.');
    for (const api of apis) {
      const reply = await api(one);
      if (reply !== undefined) return reply;
    }
    return refusal(404, 'NOT_FOUND', `no such method: ${one.method} ${one.path}`);
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const url = new URL(request.url ?? '/', 'http://x');
      const text = Buffer.concat(chunks).toString();
      const one: Seen = {
        method: request.method ?? '',
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        text,
        body: text === '' || !String(request.headers['content-type']).includes('json') ? undefined : JSON.parse(text),
      };
      seen.push(one);
      const reply = await answer(one).catch((error: Error) => refusal(500, 'INTERNAL', error.stack));
      if (reply === 'hang') return;
      if (reply === 'drop') return request.socket.destroy();
      for (const { part, change } of changes)
        if (one.path.includes(part) && reply.body !== undefined) change(reply.body as Record<string, unknown>);
      response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
      response.end(reply.text ?? JSON.stringify(reply.body ?? {}));
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${port}`,
    seen,
    of: (part) => seen.filter(({ path }) => path.includes(part)),
    fail: (part, reply, times = 1) => void faults.push({ part, reply, left: times }),
    alter: (part, change) => void changes.push({ part, change }),
    tokens,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
