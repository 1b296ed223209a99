/**
 * One monolith in a process of its own. Reads its plan as JSON from stdin (passwords never stand in argv), says that it
 * listens, and ends when stdin does: with whoever started it.
 */
import { createInterface } from 'node:readline';
import { createLog } from '../../../runtime/platform/service/log.ts';
import { type MonolithPlan, startMonolith } from './server.ts';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const plan = JSON.parse(String((await lines.next()).value)) as MonolithPlan;
const log = createLog({ service: 'monolith', instance: plan.baseline, level: 'warn', destination: process.stderr });
const monolith = await startMonolith(plan, log);
process.stdout.write('listening\n');
await lines.next();
await monolith.stop();
process.exit(0);
