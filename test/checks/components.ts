import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

/** Every component with its arguments, results and children, read from its source. */
export function componentReference(root: string): string {
  const components = sourcesOf(join(root, 'infra')).flatMap((path) => componentsOf(root, path));
  components.sort((a, b) => (a.path + a.name < b.path + b.name ? -1 : 1));
  return [
    '# Components',
    '',
    'What an environment is made of: `new Network(name, args, options)`. Each takes `environment` (infra/environment.ts) and',
    '`transforms`: by the name of a child, a function that changes its arguments or options. Children are named',
    '`<component>-<child>`. Made from the code by `npm run check -- --write`.',
    '',
    ...components.flatMap(section),
  ].join('\n');
}

type Member = { name: string; type: string; optional: boolean; doc: string };
type Described = {
  path: string;
  name: string;
  token: string;
  doc: string;
  args: readonly Member[];
  results: readonly Member[];
  children: readonly string[];
};

function section({ path, name, token, doc, args, results, children }: Described): string[] {
  const table = (head: string, rows: readonly Member[]) =>
    rows.length === 0
      ? []
      : [
          `| ${head} | type | meaning |`,
          '|---|---|---|',
          ...rows.map(
            (row) => `| \`${row.name}${row.optional ? '?' : ''}\` | \`${cell(row.type)}\` | ${cell(row.doc)} |`,
          ),
          '',
        ];
  return [
    `## ${name}`,
    '',
    `\`${token}\`, ${path}. ${doc}`.trimEnd(),
    '',
    ...table('argument', args),
    ...table('result', results),
    ...(children.length > 0 ? [`Children: ${children.map((child) => `\`${child}\``).join(', ')}.`, ''] : []),
  ];
}

const cell = (text: string): string => text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim();

function sourcesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path));
}

function componentsOf(root: string, path: string): Described[] {
  const text = readFileSync(path, 'utf8');
  if (!text.includes('extends Component')) return [];
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const aliases = new Map(
    file.statements.filter(ts.isTypeAliasDeclaration).map((each) => [each.name.text, each.type] as const),
  );
  return file.statements
    .filter(ts.isClassDeclaration)
    .filter((each) => each.heritageClauses?.some((clause) => clause.getText().includes('extends Component')) === true)
    .map((each) => {
      const builder = each.members.find(ts.isConstructorDeclaration);
      const argument = builder?.parameters[1]?.type;
      const source = each.getText();
      return {
        path: relative(root, path),
        name: each.name?.text ?? '',
        token: `iot:${/super\(\s*'([^']+)'/.exec(source)?.[1] ?? ''}`,
        doc: docOf(each),
        args: argument === undefined ? [] : membersOf(argument, aliases),
        results: each.members
          .filter(ts.isPropertyDeclaration)
          .filter((member) => ts.isIdentifier(member.name) && !hasModifier(member, ts.SyntaxKind.PrivateKeyword))
          .map((member) => ({
            name: member.name.getText(),
            type: member.type?.getText() ?? '',
            optional: member.questionToken !== undefined,
            doc: docOf(member),
          })),
        children: [...source.matchAll(/this\.make\(\s*[\w.]+,\s*(?:'([^']+)'|`([^`]+)`)/g)]
          .map(([, plain, made]) => plain ?? (made ?? '').replace(/\$\{[^}]*\}/g, '…'))
          .filter((child, index, all) => all.indexOf(child) === index)
          .sort(),
      };
    });
}

const hasModifier = (member: ts.PropertyDeclaration, kind: ts.SyntaxKind): boolean =>
  member.modifiers?.some((modifier) => modifier.kind === kind) === true;

/** Members of a type: of a literal, of both sides of an `&`, of an alias in the same file. `ComponentArgs` is in the head. */
function membersOf(type: ts.TypeNode, aliases: ReadonlyMap<string, ts.TypeNode>): Member[] {
  if (ts.isIntersectionTypeNode(type)) return type.types.flatMap((each) => membersOf(each, aliases));
  if (ts.isTypeLiteralNode(type))
    return type.members.filter(ts.isPropertySignature).map((member) => ({
      name: member.name.getText(),
      type: member.type?.getText() ?? '',
      optional: member.questionToken !== undefined,
      doc: docOf(member),
    }));
  if (!ts.isTypeReferenceNode(type)) return [];
  const name = type.typeName.getText();
  if (name === 'ComponentArgs') return [];
  const alias = aliases.get(name);
  if (alias !== undefined) return membersOf(alias, aliases);
  return [{ name: '…', type: type.getText(), optional: false, doc: 'and what that type has' }];
}

/** The text of a doc comment on one line, without its tags' marks. */
function docOf(node: ts.Node): string {
  const text = node.getSourceFile().text;
  const comment = (ts.getLeadingCommentRanges(text, node.pos) ?? [])
    .map(({ pos, end }) => text.slice(pos, end))
    .filter((each) => each.startsWith('/**'))
    .at(-1);
  return (comment ?? '')
    .replace(/^\/\*\*|\*\/$/g, '')
    .replace(/^\s*\* ?/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
}
