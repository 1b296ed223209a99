import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** SPDX identifiers that put no condition on a product which uses the package, beyond keeping its notice. */
const permissive: ReadonlySet<string> = new Set(
  '0BSD Apache-2.0 BSD-2-Clause BSD-3-Clause BlueOak-1.0.0 CC0-1.0 ISC MIT MIT-0 PostgreSQL Python-2.0 Unlicense Zlib'.split(
    ' ',
  ),
);
/** Tools that never leave the developer's machine may also be under these, which bind only who changes and passes them on. */
const forDevelopment: ReadonlySet<string> = new Set(['MPL-2.0']);

const notInstalled = 'unknown (not installed here)';

/**
 * Packages whose own words are no SPDX identifier of the list, each read by hand. Another version has to be read again.
 */
const readByHand: Readonly<Record<string, string>> = {
  // "SEE LICENSE IN LICENSE", and that file is the MIT licence.
  '@logdna/tail-file 2.2.0': 'MIT',
  // "BSD", and its file is the three-clause text.
  'url-template 2.0.8': 'BSD-3-Clause',
  // A list of names from SPDX itself, not code, under attribution alone; comes with the npm parts of Pulumi's SDK.
  'spdx-exceptions 2.5.0': 'CC-BY-3.0',
};
/** Of `readByHand`, what is permissive beside the list above. */
const attributionOnly: ReadonlySet<string> = new Set(['CC-BY-3.0']);

type Entry = { name: string; version: string; licence: string; dev: boolean };

/** Whether an SPDX expression can be met by permissive licences alone. */
export function isPermissive(expression: string): boolean {
  const bare = expression.trim().replace(/^\((.*)\)$/s, '$1');
  const alternatives = bare.split(/\s+OR\s+/);
  if (alternatives.length > 1) return alternatives.some(isPermissive);
  const parts = bare.split(/\s+AND\s+/);
  return parts.length > 1 ? parts.every(isPermissive) : permissive.has(bare);
}

export function licenceProblems(root: string): string[] {
  return entries(root)
    .filter(
      ({ name, version, licence, dev }) =>
        !isPermissive(licence) &&
        !(dev && forDevelopment.has(licence)) &&
        !(`${name} ${version}` in readByHand && attributionOnly.has(licence)),
    )
    .map(({ name, version, licence }) => `${name} ${version} is under ${licence}, which is not on the permissive list`);
}

/** The list that goes with the product: every package outside of development, by name, from the lockfile. */
export function notices(root: string): string {
  const rows = entries(root)
    .filter(({ dev }) => !dev)
    .map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`);
  return [
    '# Third-party notices',
    '',
    'Packages that the platform runs with, from `package-lock.json`. The text of each licence, with its copyright notice, is in',
    'the package itself (`node_modules/<name>/LICENSE`), which goes along wherever the platform does.',
    'Made by `npm run check -- --write`.',
    '',
    '| package | version | licence |',
    '|---|---|---|',
    ...[...new Set(rows)],
    '',
  ].join('\n');
}

type Lockfile = {
  packages: Record<
    string,
    { version?: string; license?: string; dev?: boolean; link?: boolean; optionalDependencies?: Record<string, string> }
  >;
};

function entries(root: string): Entry[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile;
  // A binary for another platform is not installed here; it is published from the same sources as the package that wants it.
  const wantedBy = new Map<string, string>();
  for (const [path, { license, optionalDependencies = {} }] of Object.entries(packages))
    if (path.includes('node_modules/'))
      for (const name of Object.keys(optionalDependencies))
        wantedBy.set(name, license ?? fromPackage(join(root, path)));
  return Object.entries(packages)
    .filter(([path, entry]) => path.includes('node_modules/') && entry.link !== true)
    .map(([path, entry]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      const own = readByHand[`${name} ${entry.version}`] ?? entry.license ?? fromPackage(join(root, path));
      const licence = own === notInstalled ? (wantedBy.get(name) ?? own) : own;
      return { name, version: entry.version ?? '?', licence, dev: entry.dev === true };
    })
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1));
}

/** Older packages name their licence in a form that npm does not copy into the lockfile. */
function fromPackage(folder: string): string {
  const path = join(folder, 'package.json');
  if (!existsSync(path)) return notInstalled;
  const { license, licenses } = JSON.parse(readFileSync(path, 'utf8')) as {
    license?: string | { type: string };
    licenses?: { type: string }[];
  };
  const named = typeof license === 'string' ? license : license?.type;
  return named ?? licenses?.map(({ type }) => type).join(' OR ') ?? 'unknown';
}
