/**
 * Unit tests share their modules (`isolate: false` in vitest.config.ts): one that replaces a module replaces it for every
 * file after it, in an order that differs from run to run. What a test wants different is an argument.
 */
const replaces = /\bvi\.(mock|doMock|unmock|resetModules)\(/;
const unitTest = /^test\/.*(?<!\.int|\.e2e)\.test\.tsx?$/;

export function replacedModules(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([path, text]) =>
    unitTest.test(path)
      ? text.split('\n').flatMap((line, index) => (replaces.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []))
      : [],
  );
}
