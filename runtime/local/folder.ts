import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { chmod, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { LaunchError } from './errors.ts';
import { nobody, reachableBy } from './postgres/binaries.ts';

/** The clone that this file is in. */
export const checkout = resolve(fileURLToPath(new URL('../..', import.meta.url)));
export const defaultDataFolder = join(checkout, '.iot', 'local');
/** Names the data folder that was started last, so that commands find a platform started with `--data`. */
const pointer = join(checkout, '.iot', 'current');

/** Every place of one platform's data. */
export type DataFolder = {
  root: string;
  /** Where Postgres keeps its data; outside of `root` when its account (nobody) can not enter there. */
  postgres: string;
  at(...path: string[]): string;
};

/** The folder's places, without making anything. */
export async function dataFolder(path: string): Promise<DataFolder> {
  const root = resolve(path);
  const at = (...parts: string[]) => join(root, ...parts);
  const moved = await readFile(at('postgres-folder'), 'utf8').catch(missing);
  return { root, postgres: moved ?? at('postgres'), at };
}

/**
 * Makes the folder. Secrets in it are files of mode 0600. Where we are root, Postgres runs as nobody: others may then
 * pass through the folder (0711), and where a folder above is closed to nobody, Postgres' data goes elsewhere.
 */
export async function openDataFolder(path: string): Promise<DataFolder> {
  const folder = await dataFolder(path);
  const { root } = folder;
  const asRoot = process.getuid?.() === 0;
  try {
    await mkdir(root, { recursive: true, mode: asRoot ? 0o711 : 0o700 });
    await chmod(root, asRoot ? 0o711 : 0o700);
    for (const name of ['ca', 'tls', 'keys', 'identity', 'pubsub', 'gateway', 'simulator', 'redis', 'logs'])
      await mkdir(folder.at(name), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new LaunchError(`the data folder ${root} can not be made or written; choose another with --data DIR`, {
      cause,
    });
  }
  if (!asRoot || folder.postgres !== folder.at('postgres') || (await reachableBy(root, nobody.uid))) return folder;
  const elsewhere = join('/var/lib/iot-platform', nameOf(await realpath(root)));
  // Without our secrets nobody knows its password: it is what a data folder left behind that was removed by hand.
  if (!existsSync(folder.at('secrets.json'))) await rm(elsewhere, { recursive: true, force: true });
  await mkdir(elsewhere, { recursive: true, mode: 0o711 });
  for (const each of [dirname(elsewhere), elsewhere]) await chmod(each, 0o711);
  await writeFile(folder.at('postgres-folder'), elsewhere, { mode: 0o600 });
  return { ...folder, postgres: elsewhere };
}

function nameOf(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 16);
}

/** Removes all data of a platform that is not running. Only what we made: the folder may hold other files. */
export async function removeData(folder: DataFolder): Promise<void> {
  if (folder.postgres !== folder.at('postgres')) await rm(folder.postgres, { recursive: true, force: true });
  for (const name of dataEntries) await rm(folder.at(name), { recursive: true, force: true });
}
const dataEntries = [
  ...[
    'ca',
    'tls',
    'keys',
    'identity',
    'postgres',
    'postgres-folder',
    'pubsub',
    'gateway',
    'simulator',
    'redis',
    'logs',
    'bench',
  ],
  ...['first-device', 'secrets.json', 'client.json', 'platform.json', 'dashboard', 'cache'],
];

/**
 * Holds the folder for one launcher. The lock is SQLite's own lock on a file, which the kernel drops when the process
 * ends, however it ends: no stale lock, no race over a pid.
 * @returns undefined when another launcher holds it.
 */
export function lockDataFolder(folder: DataFolder): { release(): void } | undefined {
  closeSync(openSync(folder.at('launcher.lock'), 'a', 0o600)); // SQLite would make it readable by all
  const database = new DatabaseSync(folder.at('launcher.lock'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (/database is locked/.test((error as Error).message)) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}

/** @returns false when the clone can not be written (another user's): `--data` then has to name the folder. */
export async function pointTo(folder: DataFolder): Promise<boolean> {
  const making = `${pointer}.${process.pid}`;
  try {
    await mkdir(dirname(pointer), { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
    await writeFile(making, folder.root);
    await rename(making, pointer);
    return true;
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** The data folder started last from this clone, if it is still there. */
export async function pointedFolder(): Promise<string | undefined> {
  const path = await readFile(pointer, 'utf8').catch(missing);
  return path !== undefined && (await stat(path).catch(missing)) !== undefined ? path : undefined;
}

export async function forgetPointer(folder: DataFolder): Promise<void> {
  if ((await pointedFolder()) === folder.root) await rm(pointer, { force: true }).catch(notOurs);
}

/** Another user's pointer to the same folder: it is theirs to remove. */
function notOurs(error: NodeJS.ErrnoException): void {
  if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code ?? '')) throw error;
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(error.code ?? '')) return undefined;
  throw error;
}
