/** Which document: of a kind, of a tenant, by its id. */
export type DocumentKey = { collection: string; tenant: string; id: string };
export type DocumentContent = {
  /** JSON, 256 KiB at most. */
  value: Readonly<Record<string, unknown>>;
  /** Words by which documents are found; 16 at most, 256 characters each. */
  fields: Readonly<Record<string, string>>;
};
export type StoredDocument = DocumentContent & {
  id: string;
  /** Opaque; another one after each change, never one that the document had before. */
  version: string;
};

/** What a write expects: a version, `'absent'`, or `'any'`. */
export type Expected = { version: string } | 'absent' | 'any';

/**
 * Documents of tenants: small, read by id, changed by compare-and-set. One contract, two implementations: Postgres and
 * Firestore (test/platform/documents runs the same suite on both).
 */
export type DocumentStore = {
  get(key: DocumentKey): Promise<StoredDocument | undefined>;
  /**
   * Puts the whole document. @returns its version, which stays when nothing changed
   * @throws DocumentConflict when it is not as expected; RangeError for what may not be stored
   */
  put(key: DocumentKey, content: DocumentContent, expected: Expected): Promise<{ version: string }>;
  /** @returns whether there was one. @throws DocumentConflict when it is another version */
  delete(key: DocumentKey, expected: { version: string } | 'any'): Promise<boolean>;
  /** In order of id, by bytes; at most `limit`, after the id `after`. */
  list(query: DocumentQuery): Promise<StoredDocument[]>;
};

export type DocumentQuery = {
  collection: string;
  tenant: string;
  /** Beginning of the id. */
  prefix?: string;
  field?: { name: string; value: string };
  after?: string;
  /** 1 to 500. */
  limit: number;
};

/** The document changed since it was read: read it again. */
export class DocumentConflict extends Error {
  constructor({ collection, tenant, id }: DocumentKey) {
    super(`document ${collection}/${tenant}/${id} is not as expected; read it again`);
    this.name = 'DocumentConflict';
  }
}

export const mostBytes = 262_144;
const collectionPattern = /^[a-z][a-z0-9-]{0,30}$/;
/** What both stores take as it is, in the same order: no `/`, no leading `.` or `_`, ASCII. */
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._~+%@:-]{0,254}$/;
const fieldPattern = /^[a-z][A-Za-z0-9]{0,30}$/;

/** @throws RangeError naming the part and what is allowed */
export function checkKey({ collection, tenant, id }: DocumentKey): void {
  check('collection', collection, collectionPattern);
  check('tenant', tenant, idPattern);
  check('document id', id, idPattern);
}

/** @returns the value's JSON. @throws RangeError */
export function checkContent({ value, fields }: DocumentContent): string {
  const json = JSON.stringify(value);
  const bytes = Buffer.byteLength(json);
  if (bytes > mostBytes) throw new RangeError(`document has ${bytes} bytes of JSON, allowed are ${mostBytes}`);
  const names = Object.keys(fields);
  if (names.length > 16) throw new RangeError(`document has ${names.length} fields, allowed are 16`);
  for (const name of names) {
    check('field', name, fieldPattern);
    const { length } = fields[name] as string;
    if (length > 256) throw new RangeError(`field '${name}' has ${length} characters, allowed are 256`);
  }
  return json;
}

/** @throws RangeError */
export function checkQuery({ collection, tenant, prefix, after, field, limit }: DocumentQuery): void {
  check('collection', collection, collectionPattern);
  check('tenant', tenant, idPattern);
  if (prefix !== undefined) check('prefix', prefix, idPattern);
  if (after !== undefined) check('document id', after, idPattern);
  if (field !== undefined) check('field', field.name, fieldPattern);
  if (!Number.isInteger(limit) || limit < 1 || limit > 500)
    throw new RangeError(`limit is ${limit}, allowed is 1 to 500`);
}

function check(what: string, text: string, pattern: RegExp): void {
  if (!pattern.test(text))
    throw new RangeError(`${what} is ${JSON.stringify(text.slice(0, 80))}, allowed is ${pattern.source}`);
}
