// npm run check: everything that can be judged without running the platform. `--write` makes the generated files anew.
import { onNeededNode } from '../cli/node.mjs';

await onNeededNode(import.meta.url);
const { runChecks } = await import('./checks/run.ts');
process.exitCode = await runChecks(process.argv.slice(2));
