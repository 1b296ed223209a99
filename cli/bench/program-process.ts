// One run of a stack's program, in a process of its own: node program-process.ts CLONE STACK
import { record } from '../../infra/recording/record.ts';
import { readStackFile } from '../../infra/settings/stack-file.ts';

const [, , clone = '', stack = ''] = process.argv;
const started = performance.now();
const { run } = await import('../../stacks/index.ts');
const { project, config } = readStackFile(clone, stack);
const { registrations } = await record({ project, stack, config, mode: 'preview', program: run });
const resources = registrations.filter(({ type }) => !type.startsWith('iot:')).length;
process.stdout.write(JSON.stringify({ seconds: (performance.now() - started) / 1_000, resources }));
