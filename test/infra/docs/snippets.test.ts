import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type * as pulumi from '@pulumi/pulumi';
import { afterAll, describe, expect, test } from 'vitest';
import type { Environment } from '../../../infra/environment.ts';
import { recordComponent } from '../support/component.ts';
import { againstGolden, regenerate } from '../support/golden.ts';
import { root } from '../truth/compile.ts';

/**
 * Every TypeScript block of README and docs that imports from infra/ is run as a module beside stacks/environment.ts, and
 * what it registers is compared with docs/inventory/: documentation that no longer works fails here.
 */
type Snippet = { name: string; document: string; text: string };

const documents = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((path) => `docs/${path}`),
]
  .filter((path) => path.endsWith('.md'))
  .sort();
const snippets: Snippet[] = documents.flatMap((document) =>
  blocksOf(readFileSync(join(root, document), 'utf8')).map((text, index) => ({
    name: `${basename(document, '.md')}-${index + 1}`,
    document,
    text,
  })),
);

/** Blocks that show a component. */
function blocksOf(text: string): string[] {
  return [...text.matchAll(/^```(?:ts|typescript)\n(.*?)^```/gms)]
    .map(([, block = '']) => block)
    .filter((block) => /from '\.\.\/infra\//.test(block));
}

// In a folder at the root, so that `../infra/` of the block is the project's.
const folder = mkdtempSync(join(ensured(join(root, 'node_modules/.cache')), 'snippets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('code in documents', () => {
  test('there is some', () => {
    expect(snippets.length).toBeGreaterThan(0);
  });

  test.each(snippets)('$name of $document registers what its inventory says', async ({ name, text }) => {
    const file = join(folder, `${name}.ts`);
    writeFileSync(file, text.replaceAll("from '../infra/", `from '${root}/infra/`));
    const { default: program } = (await import(file)) as {
      default: (environment: Environment, options: pulumi.ComponentResourceOptions) => unknown;
    };
    expect(typeof program, 'a block exports as default a function of environment and options').toBe('function');
    const { registrations } = await recordComponent({ tier: 'dev' }, (environment, options) => {
      program(environment, options);
      return undefined;
    });
    const lines = registrations
      .filter(({ type }) => !type.startsWith('pulumi:'))
      .map((each) => `- { type: "${each.type}", name: ${each.name} }`);
    const inventory = join(root, 'docs/inventory', `${name}.yaml`);
    const command = regenerate('test/infra/docs');
    expect(
      againstGolden(inventory, lines),
      `${inventory} is not what the block registers; ${command} writes it`,
    ).toEqual({
      gone: [],
      come: [],
    });
  });

  test('no inventory is left of a block that is gone', () => {
    const names = new Set(snippets.map(({ name }) => `${name}.yaml`));
    expect(readdirSync(join(root, 'docs/inventory')).filter((file) => !names.has(file))).toEqual([]);
  });
});

test.each([
  ["```ts\nimport { a } from '../infra/a.ts';\n```\n", 1],
  ['```ts\nconst a = 1;\n```\n', 0],
  ['```sh\nnpm start\n```\n', 0],
])('blocks of %j: %i', (text, expected) => {
  expect(blocksOf(text)).toHaveLength(expected);
});

function ensured(path: string): string {
  if (!existsSync(path)) mkdirSync(path, { recursive: true });
  return path;
}
