import { invalid } from './errors.ts';

/**
 * Pub/Sub's attribute filters (https://cloud.google.com/pubsub/docs/subscription-message-filter):
 * `attributes:k`, `attributes.k = "v"`, `attributes.k != "v"`, `hasPrefix(attributes.k, "p")`, `NOT` or `-`, `AND`,
 * `OR`, parentheses. Keys other than identifiers are quoted. As in the cloud, AND and OR mix only with parentheses,
 * keywords are upper case, a filter has 256 bytes at most, and `!=` is true where the attribute is missing.
 */
export type Filter = (attributes: ReadonlyMap<string, string>) => boolean;

export const MAX_FILTER_BYTES = 256;

type Token = { readonly kind: 'word' | 'string' | 'symbol'; readonly text: string; readonly at: number };

const TOKEN = /\s*(?:([A-Za-z_][A-Za-z0-9_-]*)|"((?:[^"\\]|\\.)*)"|(!=|[=:.,()-]))/y;

/** @throws RpcError INVALID_ARGUMENT saying where the text stops being a filter */
export function parseFilter(text: string): Filter {
  if (Buffer.byteLength(text) > MAX_FILTER_BYTES) {
    throw invalid(`filter: ${Buffer.byteLength(text)} bytes; at most ${MAX_FILTER_BYTES} are allowed`);
  }
  const parser = new Parser(tokenize(text), text);
  const filter = parser.expression();
  parser.end();
  return filter;
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw invalid(`filter: unexpected character at position ${at + 1} of ${JSON.stringify(text)}`);
    const [, word, quoted, symbol] = match;
    if (word !== undefined) tokens.push({ kind: 'word', text: word, at });
    else if (quoted !== undefined) tokens.push({ kind: 'string', text: unquote(quoted, at), at });
    else tokens.push({ kind: 'symbol', text: symbol ?? '', at });
  }
  return tokens;
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', n: '\n', r: '\r', t: '\t', "'": "'" };

function unquote(quoted: string, at: number): string {
  return quoted.replace(/\\(.)/gs, (whole, letter: string) => {
    const value = ESCAPES[letter];
    if (value === undefined) throw invalid(`filter: unknown escape ${whole} in the string at position ${at + 1}`);
    return value;
  });
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], text: string) {
    this.#tokens = tokens;
    this.#text = text;
  }

  expression(): Filter {
    const terms = [this.#unary()];
    const joint = this.#peek('word', 'AND') ? 'AND' : 'OR';
    while (this.#take('word', joint)) terms.push(this.#unary());
    if (this.#peek('word', joint === 'AND' ? 'OR' : 'AND')) {
      this.#fail('AND and OR may only be mixed with parentheses, as in a AND (b OR c)');
    }
    if (terms.length === 1) return terms[0] as Filter;
    return joint === 'AND'
      ? (attributes) => terms.every((term) => term(attributes))
      : (attributes) => terms.some((term) => term(attributes));
  }

  end(): void {
    if (this.#tokens[this.#at] !== undefined) this.#fail('AND, OR or the end');
  }

  #unary(): Filter {
    if (this.#take('word', 'NOT') || this.#take('symbol', '-')) {
      const term = this.#unary();
      return (attributes) => !term(attributes);
    }
    if (this.#take('symbol', '(')) {
      this.#depth += 1;
      const inner = this.expression();
      this.#depth -= 1;
      this.#expect('symbol', ')');
      return inner;
    }
    if (this.#take('word', 'hasPrefix')) return this.#hasPrefix();
    this.#expect('word', 'attributes');
    if (this.#take('symbol', ':')) {
      const key = this.#key();
      return (attributes) => attributes.has(key);
    }
    this.#expect('symbol', '.');
    const key = this.#key();
    if (this.#take('symbol', '=')) {
      const value = this.#string();
      return (attributes) => attributes.get(key) === value;
    }
    if (this.#take('symbol', '!=')) {
      const value = this.#string();
      return (attributes) => attributes.get(key) !== value;
    }
    return this.#fail('= or !=');
  }

  #hasPrefix(): Filter {
    this.#expect('symbol', '(');
    this.#expect('word', 'attributes');
    this.#expect('symbol', '.');
    const key = this.#key();
    this.#expect('symbol', ',');
    const prefix = this.#string();
    this.#expect('symbol', ')');
    return (attributes) => attributes.get(key)?.startsWith(prefix) ?? false;
  }

  #key(): string {
    const token = this.#tokens[this.#at];
    if (token === undefined || token.kind === 'symbol') return this.#fail('an attribute key');
    this.#at += 1;
    return token.text;
  }

  #string(): string {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'string') return this.#fail('a string in double quotes');
    this.#at += 1;
    return token.text;
  }

  #peek(kind: Token['kind'], text: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.kind === kind && token.text === text;
  }

  #take(kind: Token['kind'], text: string): boolean {
    if (!this.#peek(kind, text)) return false;
    this.#at += 1;
    return true;
  }

  #expect(kind: Token['kind'], text: string): void {
    if (!this.#take(kind, text)) this.#fail(text);
  }

  #fail(expected: string): never {
    const token = this.#tokens[this.#at];
    const where = token === undefined ? 'the end' : `${JSON.stringify(token.text)} at position ${token.at + 1}`;
    const inside = this.#depth > 0 ? ` (${this.#depth} parentheses open)` : '';
    throw invalid(`filter: found ${where}${inside}, expected ${expected}, in ${JSON.stringify(this.#text)}`);
  }
}
