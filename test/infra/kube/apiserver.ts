import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/ports.ts';

/** A real API server with its etcd, on loopback, without nodes or controllers: objects are judged and stored, never run. */
export type ApiServer = {
  /** Any request; answers with its status and JSON. */
  call(method: string, path: string, body?: object, contentType?: string): Promise<Answer>;
  stop(): Promise<void>;
};
export type Answer = { status: number; body: Record<string, unknown> };

/** The folder with `etcd` and `kube-apiserver`, by the convention of envtest; null: not on this machine. */
export function assets(): string | null {
  const folder = process.env['KUBEBUILDER_ASSETS'];
  return folder !== undefined && existsSync(join(folder, 'kube-apiserver')) && existsSync(join(folder, 'etcd'))
    ? folder
    : null;
}

/**
 * @param flags more of kube-apiserver's own.
 * @throws Error with the end of the log of the process that did not come up.
 */
export async function startApiServer(bin: string, flags: readonly string[] = []): Promise<ApiServer> {
  const folder = mkdtempSync(join(tmpdir(), 'apiserver-'));
  const token = randomBytes(16).toString('hex');
  const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
  const key = spawnSync('openssl', ['genrsa', '-out', join(folder, 'sa.key'), '2048'], { encoding: 'utf8' });
  if (key.status !== 0) throw new Error(`openssl genrsa: ${key.stderr}`);
  writeFileSync(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  const started: ChildProcess[] = [];
  const run = (name: string, args: string[]) => {
    const child = spawn(join(bin, name), args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(join(folder, `${name}.log`));
    child.stdout?.pipe(log);
    child.stderr?.pipe(log);
    started.push(child);
    return child;
  };
  run('etcd', [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=http://127.0.0.1:${client}`,
    `--advertise-client-urls=http://127.0.0.1:${client}`,
    `--listen-peer-urls=http://127.0.0.1:${peer}`,
    '--unsafe-no-fsync',
  ]);
  const server = run('kube-apiserver', [
    `--etcd-servers=http://127.0.0.1:${client}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${join(folder, 'certs')}`,
    `--service-account-key-file=${join(folder, 'sa.key')}`,
    `--service-account-signing-key-file=${join(folder, 'sa.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-cluster-ip-range=10.0.0.0/24',
    '--authorization-mode=RBAC',
    `--token-auth-file=${join(folder, 'tokens.csv')}`,
    // Its controller, which would make the accounts' tokens, does not run here.
    '--disable-admission-plugins=ServiceAccount',
    ...flags,
  ]);
  const call: ApiServer['call'] = (method, path, body, contentType = 'application/json') =>
    new Promise((resolve, reject) => {
      const sent = request(
        {
          host: '127.0.0.1',
          port,
          method,
          path,
          // Its certificate is made for this run, on loopback, seconds ago.
          rejectUnauthorized: false,
          headers: { authorization: `Bearer ${token}`, 'content-type': contentType },
        },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          answer.on('end', () => {
            const json = answer.headers['content-type']?.includes('json') === true;
            resolve({ status: answer.statusCode ?? 0, body: json ? JSON.parse(text) : { text } });
          });
        },
      );
      sent.once('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  const stop = async () => {
    for (const child of started.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(late);
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(async () => {
      if (server.exitCode !== null) throw new Error(`kube-apiserver ended with ${server.exitCode}: ${logOf(folder)}`);
      const { status } = await call('GET', '/readyz').catch(() => ({ status: 0 }));
      return status === 200;
    }, `kube-apiserver was not ready in time`);
  } catch (error) {
    const said = logOf(folder);
    await stop();
    throw new Error(`${(error as Error).message}; its log ends: ${said}`, { cause: error });
  }
  return { call, stop };
}

/** Asks every 100 ms, for at most 90 s. */
export async function until(done: () => Promise<boolean>, otherwise: string): Promise<void> {
  for (const end = Date.now() + 90_000; ; ) {
    if (await done()) return;
    if (Date.now() > end) throw new Error(otherwise);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const logOf = (folder: string): string => {
  const file = join(folder, 'kube-apiserver.log');
  return existsSync(file) ? readFileSync(file, 'utf8').slice(-2_000) : '';
};
