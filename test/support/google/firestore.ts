import { type Api, type Reply, refusal } from './server.ts';

type Doc = { name: string; fields: unknown; createTime: string; updateTime: string };
type Write = {
  update?: { name: string; fields: unknown };
  delete?: string;
  currentDocument?: { exists?: boolean; updateTime?: string };
};
type Filter = { fieldFilter: { field: { fieldPath: string }; op: string; value: Record<string, string> } };
type Query = {
  from: { collectionId: string }[];
  where?: { compositeFilter: { op: 'AND'; filters: Filter[] } };
  startAt?: { values: { referenceValue: string }[]; before: boolean };
  limit: number;
};

/** Firestore's REST surface as far as documents need it: get, commit of one write with its precondition, runQuery. */
export function firestoreApi() {
  const docs = new Map<string, Doc>();
  let ticks = 0;
  const time = () => new Date(Date.UTC(2026, 0, 1) + ++ticks).toISOString().replace('Z', '000Z');

  function commit({ update, delete: gone, currentDocument }: Write): Reply {
    const name = update?.name ?? gone ?? '';
    const present = docs.get(name);
    if (currentDocument?.exists === false && present)
      return refusal(409, 'ALREADY_EXISTS', `Document already exists: ${name}`);
    if (currentDocument?.exists === true && !present)
      return refusal(404, 'NOT_FOUND', `No document to update: ${name}`);
    const wanted = currentDocument?.updateTime;
    if (wanted !== undefined && present?.updateTime !== wanted)
      return refusal(
        present ? 400 : 404,
        present ? 'FAILED_PRECONDITION' : 'NOT_FOUND',
        'the stored version does not match',
      );
    if (update === undefined) {
      docs.delete(name);
      return { body: { writeResults: [{}], commitTime: time() } };
    }
    const same = JSON.stringify(present?.fields) === JSON.stringify(update.fields);
    const updateTime = same && present ? present.updateTime : time();
    docs.set(name, { ...update, createTime: present?.createTime ?? updateTime, updateTime });
    return { body: { writeResults: [{ updateTime }], commitTime: updateTime } };
  }

  function query(parent: string, { from, where, startAt, limit }: Query): Reply {
    const below = `${parent}/${from[0]?.collectionId}/`;
    const after = startAt?.values[0]?.referenceValue ?? '';
    const found = [...docs.values()]
      .filter(
        ({ name }) =>
          name.startsWith(below) && !name.slice(below.length).includes('/') && (after === '' || name > after),
      )
      .filter((doc) => (where?.compositeFilter.filters ?? []).every((filter) => holds(doc, filter)))
      .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
      .slice(0, limit);
    // Without results Firestore still says when it read.
    return {
      body: found.length === 0 ? [{ readTime: time() }] : found.map((document) => ({ document, readTime: time() })),
    };
  }

  const api: Api = ({ method, path, body }) => {
    const name = decodeURIComponent(path.replace(/^\/v1\//, ''));
    if (!/^projects\/[^/]+\/databases\/[^/]+\/documents/.test(name)) return undefined;
    if (method === 'POST' && name.endsWith('/documents:commit')) {
      const { writes } = body as { writes: Write[] };
      return writes.length === 1
        ? commit(writes[0] as Write)
        : refusal(400, 'INVALID_ARGUMENT', 'one write is enough here');
    }
    if (method === 'POST' && name.endsWith(':runQuery'))
      return query(name.replace(/:runQuery$/, ''), (body as { structuredQuery: Query }).structuredQuery);
    const doc = docs.get(name);
    return doc === undefined ? refusal(404, 'NOT_FOUND', `Document "${name}" not found.`) : { body: doc };
  };
  return { api };
}

function holds(doc: Doc, { fieldFilter: { field, op, value } }: Filter): boolean {
  if (field.fieldPath === '__name__') {
    const order = Buffer.compare(Buffer.from(doc.name), Buffer.from(value['referenceValue'] ?? ''));
    return op === 'LESS_THAN' ? order < 0 : order >= 0;
  }
  let at: unknown = { mapValue: { fields: doc.fields } };
  for (const part of field.fieldPath.split('.'))
    at = (at as { mapValue?: { fields?: Record<string, unknown> } } | undefined)?.mapValue?.fields?.[part];
  return (at as { stringValue?: string } | undefined)?.stringValue === value['stringValue'];
}
