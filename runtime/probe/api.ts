import { z } from 'zod';

/** What the probe asks of the API. Each call has the probe's deadline, and none is repeated: a retry would hide a failure. */
export type ProbeApi = {
  /** A bearer token by client credentials. */
  token(): Promise<string>;
  /** Creates the device; one that exists is left as it is. */
  ensureDevice(token: string, id: string): Promise<void>;
  /** Identity of the newest stored reading; undefined while there is none. */
  newest(token: string, id: string): Promise<{ ts: number; seq: number } | undefined>;
};

/** OAuth 2.0 client as the secret or file has it. */
export const ProbeClient = z.object({
  id: z.string().min(1),
  secret: z.string().min(1),
  /** Token endpoint of another issuer. */
  tokenUrl: z.url().optional(),
});
export type ProbeClient = z.infer<typeof ProbeClient>;

const Token = z.object({ access_token: z.string().min(1) });
const Newest = z.object({ ts: z.iso.datetime(), seq: z.int() });
const scopes = 'devices:read devices:write telemetry:read';

export function createProbeApi(options: { api: string; client: ProbeClient; signal: AbortSignal }): ProbeApi {
  const { api, client, signal } = options;
  const call = async (url: URL, init: RequestInit, fine: readonly number[]): Promise<Response> => {
    const response = await fetch(url, { ...init, signal, redirect: 'error' });
    if (fine.includes(response.status)) return response;
    throw new Error(`${init.method} ${url.pathname}: ${response.status} ${(await response.text()).slice(0, 300)}`);
  };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  return {
    async token() {
      const basic = `${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret)}`;
      const response = await call(
        new URL(client.tokenUrl ?? '/oauth/token', api),
        {
          method: 'POST',
          headers: { authorization: `Basic ${Buffer.from(basic).toString('base64')}` },
          body: new URLSearchParams({ grant_type: 'client_credentials', scope: scopes }),
        },
        [200],
      );
      return Token.parse(await response.json()).access_token;
    },
    async ensureDevice(token, id) {
      const headers = { ...bearer(token), 'content-type': 'application/json' };
      const body = JSON.stringify({ id, name: 'Uptime probe', tags: ['probe'] });
      await (await call(new URL('/v1/devices', api), { method: 'POST', headers, body }, [201, 409])).arrayBuffer();
    },
    async newest(token, id) {
      const url = new URL(`/v1/devices/${encodeURIComponent(id)}/state`, api);
      const response = await call(url, { method: 'GET', headers: bearer(token) }, [200, 404]);
      const text = await response.text();
      if (response.status === 404) return undefined;
      const { ts, seq } = Newest.parse(JSON.parse(text));
      return { ts: Date.parse(ts), seq };
    },
  };
}
