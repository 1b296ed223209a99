import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type BaseLock, baseOf } from '../../../infra/images/base-lock.ts';
import { refreshedLock } from '../../../infra/images/lock.ts';
import { digestOf, type ImageConfig, mediaTypes } from '../../../infra/images/oci.ts';
import { parseReference } from '../../../infra/images/reference.ts';
import { Registry } from '../../../infra/images/registry.ts';
import { freePort } from '../../support/ports.ts';

export const run = promisify(execFile);

const onPath = (name: string) =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));
/** What these tests need and a user may lack; in CI all of it has to be there. */
export const missing = [
  ...['skopeo', 'docker-registry', 'unshare', 'chroot'].filter((name) => !onPath(name)),
  ...(process.getuid?.() === 0 ? [] : ['root, to start a process as another user']),
];
export const skips = missing.length > 0 && process.env['CI'] === undefined;

export type TestRegistry = { host: string; stop(): Promise<void> };

/** Debian's docker-registry on a port of loopback, its data in a folder that goes with it. */
export async function startRegistry(): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'iot-test-registry-'));
  const host = `127.0.0.1:${await freePort()}`;
  const config = join(folder, 'config.yml');
  await writeFile(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${folder}/data}}\nhttp: {addr: ${host}}\n`,
  );
  const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const words = collected(child);
  await until(async () => (await fetch(`http://${host}/v2/`)).ok, child, words);
  return {
    host,
    async stop() {
      await ended(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The newest 8 kB that a process said. */
export function collected(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (part: Buffer) => {
      text = (text + part.toString()).slice(-8_000);
    });
  return () => text;
}

/** Asks until the answer is yes; ends with what the process said when it dies first. */
export async function until(ask: () => Promise<boolean>, child: ChildProcess, words: () => string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${child.spawnfile} ended with ${child.exitCode ?? child.signalCode}:\n${words()}`);
    // Not listening yet is an answer too.
    if (await ask().catch(() => false)) return;
    await pause(50);
  }
  throw new Error(`${child.spawnfile} was not ready within 30 s:\n${words()}`);
}

export async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await exit;
  }
  return child.exitCode;
}

/**
 * A made-up base, in the registry by skopeo's own push: Node and the libraries it needs, users, and the empty folders
 * that distroless has. @returns the lock, refreshed from the registry by our client.
 */
export async function pushedBase(host: string): Promise<BaseLock> {
  const folder = await mkdtemp(join(tmpdir(), 'iot-test-base-'));
  try {
    const root = join(folder, 'root');
    for (const each of ['nodejs/bin', 'etc', 'proc', 'tmp', 'volume'])
      await mkdir(join(root, each), { recursive: true });
    await copyFile(process.execPath, join(root, 'nodejs/bin/node'));
    await chmod(join(root, 'nodejs/bin/node'), 0o555);
    const { stdout } = await run('ldd', [process.execPath]);
    for (const [, path] of stdout.matchAll(/(\/\S+\.so\S*) \(0x/g)) {
      if (path === undefined) continue;
      await mkdir(join(root, dirname(path)), { recursive: true });
      await copyFile(path, join(root, path));
    }
    await writeFile(
      join(root, 'etc/passwd'),
      'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532::/:/sbin/nologin\n',
    );
    await symlink('nonroot', join(root, 'etc/nobody'));
    await run('tar', ['--owner=0', '--group=0', '-C', root, '-cf', join(folder, 'layer.tar'), '.']);
    const tar = await readFile(join(folder, 'layer.tar'));
    const layer = gzipSync(tar, { level: 1 });
    const layout = join(folder, 'layout');
    await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
    const keep = async (mediaType: string, bytes: Buffer) => {
      await writeFile(join(layout, 'blobs/sha256', digestOf(bytes).slice(7)), bytes);
      return { mediaType, digest: digestOf(bytes), size: bytes.length };
    };
    const json = (mediaType: string, value: unknown) => keep(mediaType, Buffer.from(JSON.stringify(value)));
    const layers = [await keep(mediaTypes.layerGzip, layer)];
    const manifests: object[] = [];
    for (const architecture of ['amd64', 'arm64']) {
      const config: ImageConfig = {
        architecture,
        os: 'linux',
        config: {
          User: '0',
          Entrypoint: ['/nodejs/bin/node'],
          Env: ['SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt'],
        },
        rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
      };
      const manifest = {
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: await json(mediaTypes.config, config),
        layers,
      };
      manifests.push({ ...(await json(mediaTypes.manifest, manifest)), platform: { architecture, os: 'linux' } });
    }
    const index = await json(mediaTypes.index, { schemaVersion: 2, mediaType: mediaTypes.index, manifests });
    await writeFile(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
    await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [index] }));
    await run('skopeo', [
      'copy',
      '--all',
      '--dest-tls-verify=false',
      `oci:${layout}`,
      `docker://${host}/base/node:made-up`,
    ]);
    const reference = `${host}/base/node@${index.digest}`;
    const lock: BaseLock = { reference, architectures: ['amd64', 'arm64'], documents: {} };
    return await refreshedLock(
      lock,
      new Registry({ host, path: parseReference(reference).path, token: async () => null }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function baseFrom(lock: BaseLock) {
  const base = baseOf(lock);
  if (base === null) throw new Error('the lock has no documents');
  return base;
}

/** An image's root file system, unpacked by skopeo and tar; and its configuration. */
export async function unpacked(reference: string, folder: string): Promise<{ root: string; config: ImageConfig }> {
  const pulled = join(folder, 'pulled');
  await run('skopeo', ['copy', '--src-tls-verify=false', `docker://${reference}`, `dir:${pulled}`]);
  const manifest = JSON.parse(await readFile(join(pulled, 'manifest.json'), 'utf8')) as {
    config: { digest: string };
    layers: { digest: string }[];
  };
  const root = join(folder, 'root');
  await mkdir(root);
  for (const { digest } of manifest.layers) await run('tar', ['-C', root, '-xpf', join(pulled, digest.slice(7))]);
  const config = JSON.parse(await readFile(join(pulled, manifest.config.digest.slice(7)), 'utf8')) as ImageConfig;
  await rm(pulled, { recursive: true });
  return { root, config };
}

/**
 * Starts an image as a kubelet does: its entry point, as its user, on its root file system mounted read-only; `/volume` is
 * the one writable folder. The host's network, because the stores are there.
 * @param options.volume a folder of the host.
 */
export function startUnpacked(options: {
  root: string;
  config: ImageConfig;
  volume: string;
  args?: readonly string[];
  env: Readonly<Record<string, string>>;
}): ChildProcess {
  const { root, config, volume, args = [], env } = options;
  const { User = '', Entrypoint = [], Env = [] } = config.config ?? {};
  const script = [
    'mount --bind "$0" "$0"',
    'mount -o remount,bind,ro "$0"',
    'mount --bind "$1" "$0/volume"',
    'mount -t proc proc "$0/proc" 2>/dev/null || mount --rbind /proc "$0/proc"',
    'user=$2; root=$0; shift 2',
    'cd "$root"; exec chroot --userspec="$user:$user" "$root" "$@"',
  ].join(' && ');
  return spawn('unshare', ['--mount', 'sh', '-c', script, root, volume, User, ...Entrypoint, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      ...Object.fromEntries(Env.map((line) => line.split(/=(.*)/s).slice(0, 2))),
      ...env,
    },
  });
}
