import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { type Figure, figures } from '../../infra/plan/figures.ts';
import { priceFile } from '../../infra/plan/prices.ts';
import { type Declared, declaredSettings } from '../../infra/settings/declared.ts';
import { EnvironmentSettings, PreviewSettings } from '../../infra/settings/schema.ts';
import { readProjectFile } from '../../infra/settings/stack-file.ts';

const made = 'Made from the code by `npm run check -- --write`.';
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every setting of a stack: what it means from Pulumi.yaml, what is allowed from the schema that reads it. */
export function stackSettingsReference(): string {
  const declared = [...declaredSettings().values()];
  const section = (title: string, wanted: (each: Declared) => boolean) => [
    `## ${title}`,
    '',
    '| setting | meaning | allowed | default |',
    '|---|---|---|---|',
    ...declared.filter(wanted).map(row),
    '',
  ];
  return [
    '# Settings of a stack',
    '',
    'Set one with `npx pulumi config set KEY VALUE -s STACK` (lists and objects with `--path`, as `alertEmails[0]`), or write',
    '`iot-platform:KEY: VALUE` below `config:` in `stacks/Pulumi.STACK.yaml`. All wrong ones are named at once, before anything is',
    'created; an unknown key is refused. `npx iot plan --env STACK` reads the same file.',
    made,
    '',
    ...section('Every stack', ({ programs }) => programs.length === 2),
    ...section('An environment', ({ programs }) => programs.join() === 'environment'),
    ...section('A preview', ({ programs }) => programs.join() === 'preview'),
  ].join('\n');
}

/** What a plan is computed from: figures with their source, and the price file. */
export function planFiguresReference(): string {
  const figure = ([name, { value, unit, basis, source }]: [string, Figure]) =>
    `| \`${name}\` | ${Number(value.toFixed(3)).toLocaleString('en-US')} ${cell(unit)} | ${basis} | ${cell(source)} |`;
  return [
    '# What a plan is computed from',
    '',
    'Figures of `infra/plan/figures.ts` and prices of `infra/plan/prices.json`, as `npx iot plan` uses them ([how to](../how-to/plan.md)).',
    made,
    '',
    '## Figures',
    '',
    'Measured: a benchmark of this repository or made for its design printed it. Vendor: a page of Google says so. Chosen: a margin or',
    'a guess that nobody measured, and the first to put right once there is a real fleet.',
    '',
    '| figure | value | basis | from |',
    '|---|---|---|---|',
    ...Object.entries(figures).map(figure),
    '',
    '## Prices',
    '',
    `List prices of ${priceFile.region} in ${priceFile.currency}, file of ${priceFile.priced}. Verified: read on Google's own price page as it was on that date. The others`,
    'are from the price tests of another project or from memory of the page that is named, and are to be checked before anybody',
    'relies on them.',
    '',
    '| price | USD | unit | verified | date | from |',
    '|---|---|---|---|---|---|',
    ...priceFile.prices.map(
      ({ what, usd, unit, verified, date, source, note }) =>
        `| ${cell(what)} | ${usd} | ${unit} | ${verified ? 'yes' : 'no'} | ${date} | <${source}>${note === undefined ? '' : `, ${cell(note)}`} |`,
    ),
    '',
  ].join('\n');
}

function row(setting: Declared): string {
  const entry = readProjectFile(root).config[setting.key];
  const shape = (
    setting.programs.includes('environment') ? EnvironmentSettings.shape : PreviewSettings.shape
  ) as Readonly<Record<string, z.ZodType>>;
  const schema = shape[setting.key];
  if (schema === undefined) throw new Error(`${setting.key} is in no schema`);
  const fallback = setting.meansUnset
    ? schema.safeParse(undefined).success
      ? 'none'
      : '**required**'
    : setting.default === undefined
      ? '**required**'
      : `\`${typeof setting.default === 'object' ? JSON.stringify(setting.default) : String(setting.default)}\``;
  const allowed = setting.key === 'program' ? 'environment or preview' : allowedBy(schema);
  return `| \`${setting.key}\` | ${cell(entry?.description ?? '')} | ${cell(allowed)} | ${fallback} |`;
}

type Definition = {
  type: string;
  innerType?: z.ZodType;
  element?: z.ZodType;
  keyType?: z.ZodType;
  valueType?: z.ZodType;
  shape?: Record<string, z.ZodType>;
};

/** What a value may be, in the schema's own words: what it says to a value that nothing allows. */
function allowedBy(schema: z.ZodType): string {
  let at = schema._zod.def as unknown as Definition;
  while (at.innerType !== undefined) at = at.innerType._zod.def as unknown as Definition;
  if (at.element !== undefined) return `a list; each: ${allowedBy(at.element)}`;
  if (at.keyType !== undefined && at.valueType !== undefined)
    return `an object; keys: ${allowedBy(at.keyType)}; values: ${allowedBy(at.valueType)}`;
  if (at.shape !== undefined)
    return `an object: ${Object.entries(at.shape)
      .map(([key, each]) => `${key} (${allowedBy(each)})`)
      .join(', ')}`;
  const wrong = schema.safeParse('\u0000');
  const said = wrong.success ? ['text'] : wrong.error.issues.map(({ message }) => message);
  return [...new Set(said)].join('; ').replace(/^allowed (is|are) /, '');
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
