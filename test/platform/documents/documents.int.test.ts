import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DocumentConflict, type DocumentStore } from '../../../runtime/platform/documents/documents.ts';
import { openDocuments } from '../../../runtime/platform/documents/open.ts';
import { firestoreApi } from '../../support/google/firestore.ts';
import { type GoogleServer, refusal, startGoogle } from '../../support/google/server.ts';
import { testPool } from '../../support/pool.ts';
import { type TestPostgres, testPostgres } from '../../support/postgres.ts';

let postgres: TestPostgres;
let core: pg.Pool;
let google: GoogleServer;

beforeAll(async () => {
  postgres = await testPostgres({ shards: ['shard_a'] });
  const owner = testPool(postgres.core);
  await owner.query("insert into tenants (id, name) values ('other', 'Other')");
  await owner.end();
  // With the rights of the one service that has documents.
  core = testPool(postgres.as('devices').core);
  google = await startGoogle([firestoreApi().api]);
}, 60_000);
afterAll(async () => {
  await core?.end();
  await Promise.all([postgres?.stop(), google?.stop()]);
});

const database = 'projects/my-project/databases/iot-dev-1a2b';
const places = ['postgres', `firestore:${database}`];

describe.each(places)('documents in %s', (place) => {
  let store: DocumentStore;
  beforeAll(() => {
    store = openDocuments({ IOT_DOCUMENTS: place, IOT_GOOGLE_ENDPOINT: google.endpoint }, core);
  });
  const key = (id: string, tenant = 'main') => ({ collection: 'twins', tenant, id });
  const content = (value: Record<string, unknown>, fields: Record<string, string> = {}) => ({ value, fields });

  it('gives back what was put, type for type', async () => {
    const value = { text: 'ä"\\\u0001', big: 9007199254740991, small: 1e-7, deep: [{ a: null, b: [true, 0.1] }] };
    expect(await store.get(key('round'))).toBeUndefined();
    const { version } = await store.put(key('round'), content(value, { type: 'pump' }), 'absent');
    expect(await store.get(key('round'))).toEqual({ id: 'round', value, fields: { type: 'pump' }, version });
  });

  it('puts only over what is expected', async () => {
    const first = await store.put(key('cas'), content({ n: 1 }), 'absent');
    await expect(store.put(key('cas'), content({ n: 2 }), 'absent')).rejects.toThrow(DocumentConflict);
    const second = await store.put(key('cas'), content({ n: 2 }), first);
    expect(second.version).not.toBe(first.version);
    await expect(store.put(key('cas'), content({ n: 3 }), first)).rejects.toThrow(DocumentConflict);
    await expect(store.put(key('cas'), content({ n: 3 }), { version: 'of another store' })).rejects.toThrow(
      DocumentConflict,
    );
    await expect(store.put(key('nobody'), content({ n: 3 }), first)).rejects.toThrow(DocumentConflict);
    await store.put(key('cas'), content({ n: 4 }), 'any');
    expect((await store.get(key('cas')))?.value).toEqual({ n: 4 });
  });

  it('of many who change the same version one succeeds', async () => {
    const start = await store.put(key('race'), content({ n: 0 }), 'absent');
    const tries = await Promise.allSettled(
      Array.from({ length: 12 }, (_, n) => store.put(key('race'), content({ n: n + 1 }), start)),
    );
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('a version does not come back with a document that was deleted and made anew', async () => {
    const first = await store.put(key('aba'), content({}), 'absent');
    await expect(store.delete(key('aba'), { version: 'x' })).rejects.toThrow(DocumentConflict);
    expect(await store.delete(key('aba'), first)).toBe(true);
    expect(await store.delete(key('aba'), 'any')).toBe(false);
    await store.put(key('aba'), content({}), 'absent');
    await expect(store.put(key('aba'), content({ n: 1 }), first)).rejects.toThrow(DocumentConflict);
    expect(await store.delete(key('aba'), 'any')).toBe(true);
    expect(await store.get(key('aba'))).toBeUndefined();
  });

  it('lists by prefix and field, in order of bytes, page by page, one tenant only', async () => {
    const ids = ['l-a', 'l-A', 'l-a+b', 'l-10', 'l-2', 'l-a%20', 'm-1', 'l-Z', 'l-z~'];
    for (const id of ids) await store.put(key(id), content({ id }, { kind: id.length > 3 ? 'long' : 'short' }), 'any');
    await store.put(key('l-b', 'other'), content({}), 'any');
    const expected = ids
      .filter((id) => id.startsWith('l-'))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const query = { collection: 'twins', tenant: 'main', prefix: 'l-' };
    expect((await store.list({ ...query, limit: 500 })).map(({ id }) => id)).toEqual(expected);
    const pages: string[] = [];
    for (let after: string | undefined; ; after = pages.at(-1)) {
      const page = await store.list({ ...query, ...(after === undefined ? {} : { after }), limit: 3 });
      pages.push(...page.map(({ id }) => id));
      if (page.length < 3) break;
    }
    expect(pages).toEqual(expected);
    const long = await store.list({ ...query, field: { name: 'kind', value: 'long' }, limit: 500 });
    expect(long.map(({ id }) => id)).toEqual(expected.filter((id) => id.length > 3));
    expect(await store.list({ collection: 'twins', tenant: 'nobody', limit: 5 })).toEqual([]);
  });

  it('refuses what one of the stores could not hold, naming it', async () => {
    const huge = content({ text: 'x'.repeat(262_144) });
    await expect(store.put(key('huge'), huge, 'any')).rejects.toThrow('allowed are 262144');
    await store.put(key('huge'), content({ text: 'x'.repeat(262_144 - 11) }), 'any');
    for (const id of ['', '.', '..', '__x__', 'a/b', 'ä', 'x'.repeat(256)])
      await expect(store.get(key(id))).rejects.toThrow('document id is');
    await expect(store.put(key('f'), content({}, { 'not.allowed': 'x' }), 'any')).rejects.toThrow('field is');
    await expect(store.list({ collection: 'twins', tenant: 'main', limit: 501 })).rejects.toThrow('1 to 500');
  });
});

describe('Firestore on the wire', () => {
  const open = () =>
    openDocuments({ IOT_DOCUMENTS: `firestore:${database}`, IOT_GOOGLE_ENDPOINT: google.endpoint }, core);
  const key = { collection: 'twins', tenant: 'main', id: 'a+b%c' };

  it('names, fields and preconditions', async () => {
    const name = `${database}/documents/twins/main/documents/a+b%c`;
    google.seen.length = 0;
    const { version } = await open().put(key, { value: { n: 1 }, fields: { type: 't' } }, 'absent');
    await open().put(key, { value: { n: 2 }, fields: {} }, { version });
    await open().get(key);
    const fields = {
      json: { stringValue: '{"n":1}' },
      fields: { mapValue: { fields: { type: { stringValue: 't' } } } },
    };
    const [first, second] = google.of(':commit');
    expect(first?.path).toBe(`/v1/${database}/documents:commit`);
    expect(first?.body).toEqual({ writes: [{ update: { name, fields }, currentDocument: { exists: false } }] });
    expect(
      (second?.body as { writes: { currentDocument: unknown }[] } | undefined)?.writes[0]?.currentDocument,
    ).toEqual({
      updateTime: version,
    });
    expect(google.of('/documents/twins/')[0]?.path).toBe(`/v1/${database}/documents/twins/main/documents/a%2Bb%25c`);
  });

  it('a conditional write whose answer was lost is not sent again: it would meet itself', async () => {
    google.seen.length = 0;
    google.fail(':commit', 'drop', 1);
    await expect(open().put({ ...key, id: 'lost' }, { value: {}, fields: {} }, 'absent')).rejects.toThrow(
      'had no answer',
    );
    expect(google.of(':commit')).toHaveLength(1);
    google.fail(':commit', refusal(409, 'ABORTED'), 1);
    await expect(open().put({ ...key, id: 'lost' }, { value: {}, fields: {} }, 'absent')).rejects.toThrow(
      DocumentConflict,
    );
  });

  it('a refusal is no conflict and no absence', async () => {
    google.fail(':commit', refusal(403, 'PERMISSION_DENIED'), 1);
    await expect(open().put(key, { value: {}, fields: {} }, 'any')).rejects.toThrow('403 PERMISSION_DENIED');
    google.fail('/documents/twins/', refusal(403, 'PERMISSION_DENIED'), 1);
    await expect(open().get(key)).rejects.toThrow('403');
  });
});
