import { get } from 'node:http';
import { connect } from 'node:net';

/** Questions that the supervisor asks a part over loopback. Each is bounded by two seconds. */
const withinMs = 2_000;

function ask(url: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    // A connection of its own each time: a part that was restarted between two questions must not look broken.
    const request = get(url, { agent: false, timeout: withinMs }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body = (body + chunk).slice(0, 4_096);
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${withinMs} ms`)));
    request.on('error', reject);
  });
}

/** What a part's `/readyz` says is missing; undefined when it is ready. */
export async function notReadyByHttp(base: string): Promise<string | undefined> {
  const { status, body } = await ask(`${base}/readyz`);
  if (status === 200) return undefined;
  try {
    const { waiting } = JSON.parse(body) as { waiting?: string[] };
    if (Array.isArray(waiting)) return waiting.join(', ');
  } catch {
    // Not our format: its text is the answer.
  }
  return `${status} ${body}`.trim();
}

/** `silent` when nothing answers: busy, stopped by a debugger, or on its way out. */
export async function healthByHttp(base: string): Promise<'live' | 'dead' | 'silent'> {
  return ask(`${base}/healthz`).then(
    ({ status }) => (status === 200 ? 'live' : 'dead'),
    () => 'silent',
  );
}

/** Redis' own ping, without a client. */
export function notReadyRedis(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const settle = (missing: string | undefined) => {
      socket.destroy();
      resolve(missing);
    };
    socket.setTimeout(withinMs, () => settle(`no answer within ${withinMs} ms`));
    socket.once('error', (error) => settle(error.message));
    socket.once('connect', () => socket.write('*1\r\n$4\r\nPING\r\n'));
    socket.once('data', (data) => settle(data.toString().startsWith('+PONG') ? undefined : data.toString()));
  });
}
