import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { type Registration, unknownValue } from '../../../infra/recording/record.ts';
import type { Untruth } from './compile.ts';
import { declarationOf, opened } from './literals.ts';

/**
 * Values that a sentence of the package's own documentation allows. The gcp package types every enumeration as `string`;
 * what is allowed stands in the comment, in one of a few forms. Null: the comment lists no values, or only examples.
 */
export function allowedBy(documentation: string): readonly string[] | null {
  const text = documentation.replace(/\s+/g, ' ');
  const lead =
    /(?:(?:Possible|Valid|Allowed|Accepted|Supported) values(?: are)?(?: one of)?|[Mm]ust be one of)\s*:?\s*/g;
  const lists: string[] = [];
  for (let found = lead.exec(text); found !== null; found = lead.exec(text)) {
    const rest = text.slice(found.index + found[0].length);
    const quoted = /^(?:(?:and |or )?`[^`]*`(?:\s*\([^)]*\))?[,.]?\s*)+/.exec(rest)?.[0];
    const bracketed = /^\[([^\]]*)\]/.exec(rest)?.[1];
    const plain = /^[A-Z][A-Z0-9]*_?[A-Z0-9_]+(?:(?:, (?:and |or )?| or )[A-Z][A-Z0-9_]+)+/.exec(rest)?.[0];
    if (bracketed !== undefined)
      lists.push(...[...bracketed.matchAll(/["'`]?([\w.-]+)["'`]?/g)].map((m) => m[1] ?? ''));
    else if (quoted !== undefined)
      lists.push(...[...quoted.matchAll(/`([^`]*)`/g)].map((m) => (m[1] ?? '').replace(/^"(.*)"$/, '$1')));
    else if (plain !== undefined) lists.push(...(plain.match(/[A-Z][A-Z0-9_]+/g) ?? []));
  }
  return lists.length > 0 ? lists : null;
}

type Member = { allowed: readonly string[] | null; type: string | null };
type Shape = ReadonlyMap<string, Member>;

/** What the gcp package says about the properties of each argument type, read from its declarations. */
export class DocumentedEnums {
  readonly #root: string;
  readonly #shapes = new Map<string, Shape>();
  #inputs: ReadonlyMap<string, ts.InterfaceDeclaration> | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** Values of recorded inputs that the documentation does not list. */
  wrong(registrations: readonly Registration[]): Untruth[] {
    const untruths: Untruth[] = [];
    for (const registration of registrations) {
      const shape = this.#shapeOf(registration.type);
      if (shape !== null)
        this.#walk(registration.inputs, shape, '', (path, value, allowed) => {
          if (!allowed.includes(value))
            untruths.push({
              urn: registration.urn,
              path,
              message: `'${value}' is none of the values that the package documents: ${allowed.join(', ')}`,
            });
        });
    }
    return untruths;
  }

  /** Every place where a recorded input is an enumeration that the package documents. */
  uses(registrations: readonly Registration[]): { registration: Registration; path: string }[] {
    const places: { registration: Registration; path: string }[] = [];
    for (const registration of registrations) {
      const shape = this.#shapeOf(registration.type);
      if (shape !== null) this.#walk(registration.inputs, shape, '', (path) => places.push({ registration, path }));
    }
    return places;
  }

  #walk(
    inputs: Readonly<Record<string, unknown>>,
    shape: Shape,
    path: string,
    each: (path: string, value: string, allowed: readonly string[]) => void,
  ): void {
    for (const [key, value] of Object.entries(inputs)) {
      const member = shape.get(key);
      if (member === undefined) continue; // the compiler reports it
      const at = path === '' ? key : `${path}.${key}`;
      const open = opened(value);
      const nested = member.type === null ? null : this.#nested(member.type);
      for (const [index, element] of (Array.isArray(open) ? open : [open]).entries()) {
        const here = Array.isArray(open) ? `${at}[${index}]` : at;
        const one = opened(element);
        if (typeof one === 'string' && one !== unknownValue && member.allowed !== null) each(here, one, member.allowed);
        if (typeof one === 'object' && one !== null && nested !== null)
          this.#walk(one as Record<string, unknown>, nested, here, each);
      }
    }
  }

  #shapeOf(type: string): Shape | null {
    if (!type.startsWith('gcp:')) return null;
    const declaration = declarationOf(type, this.#root);
    if (declaration === null) return null;
    const known = this.#shapes.get(type);
    if (known !== undefined) return known;
    const name = declaration.expression.split('.').at(-1);
    const found = parse(declaration.file).statements.find(
      (each): each is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(each) && each.name.text === name,
    );
    if (found === undefined) throw new Error(`${declaration.file} declares no ${name}`);
    const shape = membersOf(found);
    this.#shapes.set(type, shape);
    return shape;
  }

  /** @param reference `inputs.sql.DatabaseInstanceSettings` */
  #nested(reference: string): Shape | null {
    const known = this.#shapes.get(reference);
    if (known !== undefined) return known;
    this.#inputs ??= interfacesOf(parse(join(this.#root, 'node_modules/@pulumi/gcp/types/input.d.ts')));
    const declared = this.#inputs.get(reference.replace(/^inputs\./, ''));
    if (declared === undefined) return null;
    const shape = membersOf(declared);
    this.#shapes.set(reference, shape);
    return shape;
  }
}

// Nodes know their file only when parents are set.
const parse = (file: string) => ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);

function membersOf(declared: ts.InterfaceDeclaration): Shape {
  const { text } = declared.getSourceFile();
  const shape = new Map<string, Member>();
  for (const member of declared.members) {
    if (!ts.isPropertySignature(member) || member.type === undefined) continue;
    const comments = ts.getLeadingCommentRanges(text, member.pos) ?? [];
    const comment = comments.map(({ pos, end }) => text.slice(pos, end)).join('\n');
    const type = text.slice(member.type.pos, member.type.end);
    shape.set((member.name as ts.Identifier).text, {
      allowed: /\bstring\b/.test(type) ? allowedBy(comment.replace(/^\s*\/?\*+\/?/gm, '')) : null,
      type: /\binputs\.[\w.]+/.exec(type)?.[0] ?? null,
    });
  }
  return shape;
}

/** `compute.FirewallAllow` → its declaration, of every namespace in the file. */
function interfacesOf(file: ts.SourceFile): ReadonlyMap<string, ts.InterfaceDeclaration> {
  const found = new Map<string, ts.InterfaceDeclaration>();
  const visit = (statements: readonly ts.Statement[], prefix: string) => {
    for (const each of statements)
      if (ts.isInterfaceDeclaration(each)) found.set(`${prefix}${each.name.text}`, each);
      else if (ts.isModuleDeclaration(each) && each.body !== undefined && ts.isModuleBlock(each.body))
        visit(each.body.statements, `${prefix}${(each.name as ts.Identifier).text}.`);
  };
  visit(file.statements, '');
  return found;
}
