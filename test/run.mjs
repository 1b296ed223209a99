// npm test: every suite, a readable report, and the true totals on the last line.
import { onNeededNode } from '../cli/node.mjs';

await onNeededNode(import.meta.url);
const { runSuites } = await import('./suites.ts');
process.exitCode = await runSuites(process.argv.slice(2));
