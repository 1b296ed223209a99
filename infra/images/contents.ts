import { readdir, readFile, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { buildDashboard } from '../../runtime/dashboard/build.ts';
import type { Bundle } from './bundle.ts';
import type { ImageName } from './names.ts';
import { cacheFolder } from './paths.ts';

/** What an image has beside its bundle. */
type Extra = {
  env: Readonly<Record<string, string>>;
  /** Bytes by path in the image, without a leading slash. */
  files: (root: string) => Promise<ReadonlyMap<string, Uint8Array>>;
};
const nothing: Extra = { env: {}, files: async () => new Map() };

const extras: Readonly<Partial<Record<ImageName, Extra>>> = {
  // `../../migrations` of /app/jobs.mjs, as runtime/platform/database/migrate.ts asks for it, is at the root of the image.
  jobs: { env: {}, files: (root) => filesBelow(join(root, 'runtime/migrations'), 'migrations') },
  api: { env: { IOT_DASHBOARD_DIR: '/app/dashboard' }, files: dashboard },
};

export const envOf = (name: ImageName): Readonly<Record<string, string>> => (extras[name] ?? nothing).env;

/** Every file of an image's layer: bundle, source map, licence texts, and what it reads from disk. */
export async function contentsOf(root: string, bundle: Bundle): Promise<ReadonlyMap<string, Uint8Array>> {
  const own = await readFile(join(root, 'LICENSE'));
  return new Map([
    ...bundle.files,
    ['app/LICENSE', own],
    ['app/THIRD-PARTY-LICENSES.txt', Buffer.from(noticesOf(bundle))],
    ...(await (extras[bundle.name] ?? nothing).files(root)),
  ]);
}

/** A bundle carries other people's code: their licences ask that the text goes along. */
function noticesOf({ packages }: Bundle): string {
  const parts = packages.map(
    ({ name, version, licence, notices }) =>
      `${name} ${version} (${licence})\n\n${notices || 'The package brings no licence text.'}\n`,
  );
  return parts.join(`\n${'-'.repeat(80)}\n\n`);
}

async function filesBelow(folder: string, at: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      files.sort().map(async (path) => [posix.join(at, path.slice(folder.length + 1)), await readFile(path)] as const),
    ),
  );
}

/** Built at a fixed depth of the checkout: the source maps name their sources relative to it. */
async function dashboard(root: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const folder = join(root, cacheFolder, `dashboard-${process.pid}`);
  try {
    await buildDashboard(folder);
    const files = new Map(await filesBelow(folder, 'app/dashboard'));
    files.delete('app/dashboard/source-stamp');
    return files;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
