import type { DocumentStore } from '../platform/documents/documents.ts';
import { GoogleError } from '../platform/google/google.ts';
import { problem } from '../platform/http/problem.ts';

/**
 * The store of documents as this service's parts see it: one that does not answer is a 503, as with the core database. A
 * document in the core database goes through that one's guard instead.
 */
export function guardedDocuments(store: DocumentStore): DocumentStore {
  const guard = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof GoogleError)) throw error;
      throw problem(503, 'Store away', 'the store of documents did not answer; try again', {
        retryAfterSeconds: 1,
        cause: error,
      });
    }
  };
  return {
    get: (key) => guard(store.get(key)),
    put: (key, content, expected) => guard(store.put(key, content, expected)),
    delete: (key, expected) => guard(store.delete(key, expected)),
    list: (query) => guard(store.list(query)),
  };
}
