import { z } from 'zod';
import { type Google, GoogleError } from '../google/google.ts';
import {
  checkContent,
  checkKey,
  checkQuery,
  DocumentConflict,
  type DocumentKey,
  type DocumentQuery,
  type DocumentStore,
  type Expected,
  type StoredDocument,
} from './documents.ts';

const Found = z.object({
  name: z.string(),
  updateTime: z.string(),
  fields: z.object({
    /** The value as one text: Firestore's own types would change numbers and cost an index entry for each leaf. */
    json: z.object({ stringValue: z.string() }),
    fields: z.object({
      mapValue: z.object({ fields: z.record(z.string(), z.object({ stringValue: z.string() })).default({}) }),
    }),
  }),
});
const Committed = z.object({ writeResults: z.array(z.object({ updateTime: z.string().optional() })).length(1) });
const Results = z.array(z.object({ document: Found.optional() }));

/**
 * Documents in Firestore (native mode) by its REST API: `{collection}/{tenant}/documents/{id}`. The version is the time of
 * the last change, which Firestore itself compares (https://cloud.google.com/firestore/docs/reference/rest/v1/Precondition).
 * @param database `projects/P/databases/D`
 */
export function firestoreDocuments(google: Google, database: string): DocumentStore {
  const root = `${database}/documents`;
  const nameOf = ({ collection, tenant, id }: DocumentKey) => `${root}/${collection}/${tenant}/documents/${id}`;
  const api = 'firestore';

  async function commit(write: unknown, repeatable: boolean): Promise<string> {
    const json = await google.call({
      api,
      method: 'POST',
      path: `v1/${root}:commit`,
      body: { writes: [write] },
      repeatable,
    });
    const [result] = Committed.parse(json).writeResults;
    return result?.updateTime ?? '';
  }

  return {
    async get(key) {
      checkKey(key);
      try {
        const path = `v1/${nameOf(key).split('/').map(encodeURIComponent).join('/')}`;
        return stored(Found.parse(await google.call({ api, method: 'GET', path, repeatable: true })));
      } catch (error) {
        if (error instanceof GoogleError && error.status === 404) return undefined;
        throw error;
      }
    },
    async put(key, content, expected) {
      checkKey(key);
      const fields = Object.entries(content.fields).map(([name, value]) => [name, { stringValue: value }]);
      const update = {
        name: nameOf(key),
        fields: {
          json: { stringValue: checkContent(content) },
          fields: { mapValue: { fields: Object.fromEntries(fields) } },
        },
      };
      // With a condition a second try would meet what the first one wrote.
      const version = await commit({ update, ...condition(expected) }, expected === 'any').catch((error) =>
        conflictOf(error, key),
      );
      return { version };
    },
    async delete(key, expected) {
      checkKey(key);
      const present = expected === 'any' ? { currentDocument: { exists: true } } : condition(expected);
      try {
        await commit({ delete: nameOf(key), ...present }, false);
        return true;
      } catch (error) {
        if (error instanceof GoogleError && error.status === 404) return false;
        return conflictOf(error, key);
      }
    },
    async list(query) {
      checkQuery(query);
      const path = `v1/${root}/${query.collection}/${encodeURIComponent(query.tenant)}:runQuery`;
      const body = { structuredQuery: structured(query, nameOf) };
      const results = Results.parse(await google.call({ api, method: 'POST', path, body, repeatable: true }));
      return results.flatMap(({ document }) => (document === undefined ? [] : [stored(document)]));
    },
  };
}

/** https://cloud.google.com/firestore/docs/reference/rest/v1/StructuredQuery */
function structured(query: DocumentQuery, nameOf: (key: DocumentKey) => string): unknown {
  const at = (id: string) => ({ referenceValue: nameOf({ ...query, id }) });
  const filter = (fieldPath: string, op: string, value: unknown) => ({
    fieldFilter: { field: { fieldPath }, op, value },
  });
  const filters = [
    ...(query.field === undefined
      ? []
      : [filter(`fields.${query.field.name}`, 'EQUAL', { stringValue: query.field.value })]),
    ...(query.prefix === undefined
      ? []
      : [
          filter('__name__', 'GREATER_THAN_OR_EQUAL', at(query.prefix)),
          // Ids are ASCII: this is behind all that begin with the prefix.
          filter('__name__', 'LESS_THAN', at(`${query.prefix}\uf8ff`)),
        ]),
  ];
  return {
    from: [{ collectionId: 'documents' }],
    ...(filters.length === 0 ? {} : { where: { compositeFilter: { op: 'AND', filters } } }),
    orderBy: [{ field: { fieldPath: '__name__' }, direction: 'ASCENDING' }],
    ...(query.after === undefined ? {} : { startAt: { values: [at(query.after)], before: false } }),
    limit: query.limit,
  };
}

function condition(expected: Expected): { currentDocument?: unknown } {
  if (expected === 'any') return {};
  // A version of another store is no time of Firestore's: the epoch fits no document.
  const time = (version: string) => (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(version) ? version : '1970-01-01T00:00:00Z');
  return { currentDocument: expected === 'absent' ? { exists: false } : { updateTime: time(expected.version) } };
}

const conflicts: ReadonlySet<string> = new Set(['FAILED_PRECONDITION', 'ALREADY_EXISTS', 'NOT_FOUND', 'ABORTED']);

function conflictOf(error: unknown, key: DocumentKey): never {
  if (error instanceof GoogleError && conflicts.has(error.reason)) throw new DocumentConflict(key);
  throw error;
}

function stored({ name, updateTime, fields }: z.output<typeof Found>): StoredDocument {
  return {
    id: name.slice(name.lastIndexOf('/') + 1),
    value: JSON.parse(fields.json.stringValue) as Record<string, unknown>,
    fields: Object.fromEntries(
      Object.entries(fields.fields.mapValue.fields).map(([field, { stringValue }]) => [field, stringValue]),
    ),
    version: updateTime,
  };
}
