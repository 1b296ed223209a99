import type pg from 'pg';
import {
  checkContent,
  checkKey,
  checkQuery,
  DocumentConflict,
  type DocumentStore,
  type Expected,
  type StoredDocument,
} from './documents.ts';

const columns = 'id, value, fields, version::text as version';
/** Rises with time also beyond a deletion, so that no version ever comes back. */
const now = '(extract(epoch from clock_timestamp()) * 1000000)::bigint';

/** Documents in the table `documents` of the core database. */
export function postgresDocuments(core: Pick<pg.Pool, 'query'>): DocumentStore {
  return {
    async get(key) {
      checkKey(key);
      const { rows } = await core.query<StoredDocument>(
        `select ${columns} from documents where collection = $1 and tenant = $2 and id = $3`,
        [key.collection, key.tenant, key.id],
      );
      return rows[0];
    },
    async put(key, content, expected) {
      checkKey(key);
      const values = [key.collection, key.tenant, key.id, checkContent(content), JSON.stringify(content.fields)];
      if (typeof expected === 'object') values.push(numberOf(expected.version));
      const { rows } = await core.query<{ version: string }>(putStatement(expected), values);
      if (rows[0] === undefined) throw new DocumentConflict(key);
      return rows[0];
    },
    async delete(key, expected) {
      checkKey(key);
      const { rows } = await core.query<{ version: string }>(
        `with present as (select from documents where collection = $1 and tenant = $2 and id = $3),
              gone as (delete from documents where collection = $1 and tenant = $2 and id = $3
                         and ($4::bigint is null or version = $4) returning 1)
         select (select count(*) from gone)::text as version, (select count(*) from present)::text as present`,
        [key.collection, key.tenant, key.id, expected === 'any' ? null : numberOf(expected.version)],
      );
      const { version: gone, present } = rows[0] as unknown as { version: string; present: string };
      if (gone === '0' && present !== '0') throw new DocumentConflict(key);
      return gone !== '0';
    },
    async list(query) {
      checkQuery(query);
      const { field } = query;
      const { rows } = await core.query<StoredDocument>(
        `select ${columns} from documents
         where collection = $1 and tenant = $2 and id > $3 and starts_with(id, $4) and fields @> $5
         order by id limit $6`,
        [
          query.collection,
          query.tenant,
          query.after ?? '',
          query.prefix ?? '',
          JSON.stringify(field === undefined ? {} : { [field.name]: field.value }),
          query.limit,
        ],
      );
      return rows;
    },
  };
}

function putStatement(expected: Expected): string {
  if (typeof expected === 'object')
    return `update documents set value = $4, fields = $5, updated_at = now(), version = greatest(version + 1, ${now})
            where collection = $1 and tenant = $2 and id = $3 and version = $6 returning version::text`;
  const insert = `insert into documents (collection, tenant, id, value, fields, version) values ($1, $2, $3, $4, $5, ${now})`;
  const conflict =
    expected === 'absent'
      ? 'do nothing'
      : `do update set value = $4, fields = $5, updated_at = now(), version = greatest(documents.version + 1, ${now})`;
  return `${insert} on conflict (collection, tenant, id) ${conflict} returning version::text`;
}

/** A version of another store is none of ours: it fits no row. */
const numberOf = (version: string): string => (/^[1-9]\d{0,17}$/.test(version) ? version : '0');
