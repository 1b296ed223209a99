import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

type LockedPackage = { version?: string; optionalDependencies?: Record<string, string> };
const read = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'));
const { packages } = read('package-lock.json') as { packages: Record<string, LockedPackage> };

// `npm ci` refuses a lockfile that lacks one, also when it is for another machine; npm leaves out what a registry had not.
test('the lockfile has every optional package of every platform', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !foundFrom(path, name)),
  );
  expect(missing).toEqual([]);
});

test('every direct dependency is one exact version, the one that is locked', () => {
  const { dependencies, devDependencies, optionalDependencies } = read('package.json') as Record<
    'dependencies' | 'devDependencies' | 'optionalDependencies',
    Record<string, string>
  >;
  const wanted = { ...dependencies, ...devDependencies, ...optionalDependencies };
  for (const [name, wish] of Object.entries(wanted)) {
    // An alias (`npm:NAME@VERSION`) is locked under the name that the project gives it.
    const version = wish.startsWith('npm:') ? wish.slice(wish.lastIndexOf('@') + 1) : wish;
    expect({ name, version: packages[`node_modules/${name}`]?.version }).toEqual({ name, version });
  }
});

/** Where Node would look: beside the package, then in each folder above it. */
function foundFrom(path: string, name: string): boolean {
  const folders = path.split('/node_modules/').map((_, i, all) => all.slice(0, i + 1).join('/node_modules/'));
  return ['', ...folders].some(
    (folder) => packages[`${folder}${folder === '' ? '' : '/'}node_modules/${name}`] !== undefined,
  );
}
