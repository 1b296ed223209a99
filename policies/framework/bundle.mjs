// The `prepack` of each pack: one file that runs without this repository, below node_modules too (decision 0019).
import { copyFileSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';

const { metafile } = await build({
  entryPoints: ['pack.ts'],
  outfile: 'dist/pack.cjs',
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  packages: 'external',
  metafile: true,
  logLevel: 'warning',
});
const { name, dependencies = {} } = JSON.parse(readFileSync('package.json', 'utf8'));
const needed = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
const undeclared = needed.filter((path) => !path.startsWith('node:') && !(path in dependencies));
if (undeclared.length > 0) throw new Error(`${name} needs ${undeclared.join(', ')}: add it to its dependencies`);
copyFileSync('../../LICENSE', 'LICENSE');
