import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Registration } from '../../../infra/recording/record.ts';
import { literalsOf } from './literals.ts';

export const root = resolve(fileURLToPath(new URL('../../..', import.meta.url)));

/** An input that the provider's package does not take. */
export type Untruth = { urn: string; path: string; message: string };

/**
 * Compiles recorded inputs against the arguments that the providers' packages declare: unknown or misspelt property,
 * missing required one, wrong type. The folder is inside node_modules, where the packages are found.
 * @throws Error when the compiler says something that is about no input.
 */
export function typeErrorsOf(registrations: readonly Registration[]): Untruth[] {
  if (registrations.length === 0) return [];
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'truth-'));
  try {
    const { text, places } = literalsOf(registrations, root);
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'inputs.ts'), text);
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          target: 'es2022',
          module: 'nodenext',
          strict: true,
          noEmit: true,
          skipLibCheck: true,
          types: [],
          pretty: false,
        },
        files: ['inputs.ts'],
      }),
    );
    const run = spawnSync(
      process.execPath,
      [join(root, 'node_modules/@typescript/native/bin/tsc'), '-p', folder, '--pretty', 'false'],
      { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    );
    const untruths: Untruth[] = [];
    for (const line of run.stdout.split('\n')) {
      const found = /^(?:\S*\/)?inputs\.ts\((\d+),\d+\): error (TS\d+: .*)$/.exec(line);
      if (found === null) {
        const last = untruths.at(-1);
        if (line.startsWith(' ') && last !== undefined) last.message += `\n${line}`;
        else if (line.trim() !== '') throw new Error(`the compiler said: ${line}`);
        continue;
      }
      const place = places[Number(found[1]) - 1];
      if (place === undefined) throw new Error(`the compiler names a line that nobody wrote: ${line}`);
      untruths.push({ urn: place.registration.urn, path: place.path, message: found[2] ?? '' });
    }
    if (run.status !== 0 && untruths.length === 0)
      throw new Error(`the compiler ended with ${run.status ?? run.signal}: ${run.stderr}`);
    return untruths;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
