import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cli = join(root, 'cli', 'iot.mjs');

/** The one line that `iot local up --json` prints. */
export type Ready = {
  ready: true;
  urls: { dashboard: string; api: string; mqtt: string; enrol: string };
  ca: string;
  logins: { user: string; password: string; role: string }[];
  client: { id: string; secret: string };
  stores: { postgres: string[]; redis: string; pubsub: string };
  data: string;
  processes: { name: string; pid: number }[];
};

export type TestPlatform = Ready & {
  child: ChildProcess;
  /** Runs `iot …` against this platform. */
  iot(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  token(): Promise<string>;
  stop(): Promise<void>;
};

/**
 * The whole platform, as a user starts it, in a data folder of its own.
 * @param options.portBase each file takes its own, below 32768.
 */
export async function startPlatform(options: {
  portBase: number;
  devices: number;
  env?: Record<string, string>;
  data?: string;
  /** Another checkout than this one. */
  root?: string;
  /** More of `iot local up`. */
  args?: string[];
}): Promise<TestPlatform> {
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'iot-platform-')));
  const args = [
    'local',
    'up',
    '--json',
    '--data',
    data,
    '--port-base',
    String(options.portBase),
    '--devices',
    String(options.devices),
    ...(options.args ?? []),
  ];
  const from = options.root ?? root;
  const child = spawn(process.execPath, [join(from, 'cli', 'iot.mjs'), ...args], {
    cwd: from,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-20_000);
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  if (child.stdout === null) throw new Error('no stdout');
  const lines = createInterface({ input: child.stdout });
  const first = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    child.once('exit', (code, signal) =>
      reject(new Error(`iot local up ended (${code ?? signal}) before it was ready:\n${words}`)),
    );
  });
  const ready = JSON.parse(first) as Ready;
  let token: { value: string; until: number } | undefined;
  return {
    ...ready,
    child,
    iot: (...rest) => run([...rest, '--data', data]),
    async token() {
      if (token === undefined || token.until < Date.now()) {
        const discovery = (await (await fetch(`${ready.urls.api}/dashboard-config.json`)).json()) as {
          issuer: string;
          resource: string;
        };
        const metadata = (await (await fetch(`${discovery.issuer}/.well-known/openid-configuration`)).json()) as {
          token_endpoint: string;
        };
        const response = await fetch(metadata.token_endpoint, {
          method: 'POST',
          headers: {
            authorization: `Basic ${Buffer.from(`${ready.client.id}:${ready.client.secret}`).toString('base64')}`,
            'content-type': 'application/x-www-form-urlencoded',
          },
          body: new URLSearchParams({
            grant_type: 'client_credentials',
            resource: discovery.resource,
            scope: 'devices:read devices:write telemetry:read platform:read',
          }),
        });
        const body = (await response.json()) as { access_token?: string; expires_in?: number };
        if (body.access_token === undefined) throw new Error(`no token: ${response.status} ${JSON.stringify(body)}`);
        token = { value: body.access_token, until: Date.now() + ((body.expires_in ?? 60) - 30) * 1_000 };
      }
      return token.value;
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
      await exited;
      if (options.data === undefined) await rm(data, { recursive: true, force: true });
    },
  };
}

/** One `iot` command to its end. */
export async function run(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const code = await new Promise<number>((resolve) => child.once('close', (c) => resolve(c ?? -1)));
  return { code, stdout, stderr };
}
