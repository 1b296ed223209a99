import type { Command } from 'commander';
import type { z } from 'zod';
import { terminalOutput } from '../../cli/output.ts';
import * as settings from '../../runtime/contracts/settings/services.ts';
import { defaultDataFolder } from '../../runtime/local/folder.ts';

export const silentContext = { env: {}, output: terminalOutput({ NO_COLOR: '1' }) };

const made = 'Made from the code by `npm run check -- --write`.';

/** Every setting of every service: name, what is allowed, default. From the schemas that the services read. */
export function settingsReference(): string {
  const sections = Object.entries(settings)
    .filter(([name]) => name.endsWith('Settings'))
    .map(([name, schema]) => {
      const shape = (schema as unknown as z.ZodObject).shape;
      const rows = Object.entries(shape).map(([key, type]) => {
        const { allowed, fallback } = describe(type as z.ZodType);
        return `| \`${key}\` | ${allowed} | ${fallback} |`;
      });
      return [
        `## ${name.replace(/Settings$/, '').toLowerCase()}`,
        '',
        '| variable | allowed | default |',
        '|---|---|---|',
        ...rows,
        '',
      ];
    });
  return [
    '# Settings',
    '',
    'Environment variables of each service. A service refuses to start with a wrong or unknown `IOT_` variable and names all of',
    'them at once. The local launcher and the cloud program set these; `npx iot local up --set PART.NAME=VALUE` changes one.',
    made,
    '',
    ...sections.flat(),
  ].join('\n');
}

/** What a value may be, found by asking the schema: its own sentence for a value that nothing allows. */
function describe(type: z.ZodType): { allowed: string; fallback: string } {
  const absent = type.safeParse(undefined);
  const wrong = type.safeParse('\u0000');
  const said = wrong.success ? 'text' : wrong.error.issues.map((issue) => issue.message).join('; ');
  return {
    allowed: cell(said.replace(/^allowed (is|are) /, '')),
    fallback: !absent.success ? '**required**' : absent.data === undefined ? 'none' : `\`${shown(absent.data)}\``,
  };
}

const shown = (value: unknown) => (typeof value === 'string' && value === '' ? 'empty' : String(value));
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** Every command with its arguments and options. */
export async function cliReference(): Promise<string> {
  // Loaded when asked for: the command needs the generated client, which a `--write` may have made a moment ago.
  const { createProgram } = await import('../../cli/main.ts');
  const program = await createProgram(silentContext, 'bench');
  const lines = ['# The iot command', '', 'Exit codes: 0 done, 1 failed, 2 called wrongly.', made, ''];
  for (const command of leaves(program, 'iot')) lines.push(...section(command.path, command.command));
  return lines.join('\n').replaceAll(defaultDataFolder, '.iot/local');
}

function leaves(command: Command, path: string): { path: string; command: Command }[] {
  return command.commands.flatMap((each) => {
    const own = `${path} ${each.name()}`;
    return each.commands.length > 0 ? leaves(each, own) : [{ path: own, command: each }];
  });
}

function section(path: string, command: Command): string[] {
  const args = command.registeredArguments.map((a) => ` ${a.required ? `<${a.name()}>` : `[${a.name()}]`}`).join('');
  const rows = command.options.map((option) => {
    const choices = option.argChoices === undefined ? '' : ` (one of ${option.argChoices.join(', ')})`;
    const fallback = option.defaultValue === undefined ? '' : ` (default \`${String(option.defaultValue)}\`)`;
    return `| \`${option.flags.replaceAll('|', '\\|')}\` | ${cell(option.description)}${choices}${fallback}${option.mandatory ? ' **required**' : ''} |`;
  });
  const explained = command.registeredArguments
    .filter((a) => a.description !== '')
    .map((a) => `- \`${a.name()}\`: ${a.description}`);
  return [
    `## ${path}${args}`,
    '',
    command.description(),
    '',
    ...(explained.length > 0 ? [...explained, ''] : []),
    ...(rows.length > 0 ? ['| option | meaning |', '|---|---|', ...rows, ''] : []),
  ];
}
