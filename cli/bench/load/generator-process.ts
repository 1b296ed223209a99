/**
 * The generator in a process of its own, so that measuring the platform does not disturb it. Reads the plan as JSON
 * from stdin (keys never stand in argv); says `connected`, waits for a line, runs, and prints the result as JSON.
 */
import { createInterface } from 'node:readline';
import { type LoadPlan, runLoad } from './generator.ts';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const line = async () => String((await lines.next()).value);
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

try {
  const result = await runLoad(JSON.parse(await line()) as LoadPlan, async () => {
    say({ connected: true });
    await line();
  });
  say({ result });
  process.exit(0);
} catch (error) {
  say({ error: error instanceof Error ? error.message : String(error) });
  process.exit(1);
}
