import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Seen = { method: string; path: string; authorization: string; body: string };

/** The few routes of the API that a fleet uses, over real HTTP, each answered as the test says. */
export async function stubApi(answer: (seen: Seen) => Promise<{ status: number; body?: unknown }>) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    read(request)
      .then(async (body) => {
        const one = {
          method: String(request.method),
          path: String(request.url),
          authorization: String(request.headers.authorization),
          body,
        };
        seen.push(one);
        const { status, body: out } = await answer(one);
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(out ?? {}));
      })
      .catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function read(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
