import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandError, UsageError } from '../errors.ts';
import { json, table } from '../output.ts';

/** The clone that this command is of. */
const clone = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** `iot render`: what a stack's program would make, as files, without cloud, engine or credentials. */
export function registerRender(program: Command, { output }: Context): void {
  program
    .command('render')
    .description('Write everything a stack would make as files, without cloud or credentials')
    .argument('<stack>', 'a stack of stacks/Pulumi.<stack>.yaml')
    .requiredOption('--out <dir>', 'folder to write into: new, empty, or of an earlier rendering')
    .option('--json', 'result as one JSON line')
    .action(async (stack: string, options: { out: string; json?: boolean }) => {
      // The infrastructure SDK is large: loaded when it is needed.
      const { renderStack } = await import('../render-stack.ts');
      const folder = resolve(options.out);
      const result = await renderStack(clone, stack, folder).catch((error: unknown) => {
        if (error instanceof Error && calledWrongly.has(error.name)) throw new UsageError(error.message);
        if (error instanceof Error && error.name === 'StackSettingsError')
          throw new CommandError(error.message, { cause: error });
        throw error;
      });
      for (const warning of result.warnings) output.say(`${output.paint.yellow('warning:')} ${warning}`);
      if (options.json === true) return output.print(json({ folder, ...result }));
      output.print(
        table(
          ['component', 'resources'],
          Object.entries(result.components).map(([name, count]) => [name, count]),
        ),
      );
      output.print(`${result.resources} resources of ${stack} in ${result.files} files: ${folder}`);
    });
}

/** The stack's name or the folder is not one that will do; the message says everything. */
const calledWrongly = new Set(['StackFileError', 'ForeignFolderError']);
