import type pg from 'pg';
import { connectGoogle } from '../google/google.ts';
import type { DocumentStore } from './documents.ts';
import { firestoreDocuments } from './firestore.ts';
import { postgresDocuments } from './postgres.ts';

/** The store that the settings name: the core database, or `firestore:projects/P/databases/D`. */
export function openDocuments(
  settings: { IOT_DOCUMENTS: string; IOT_GOOGLE_ENDPOINT?: string | undefined },
  core: Pick<pg.Pool, 'query'>,
): DocumentStore {
  const [, database] = /^firestore:(.+)$/.exec(settings.IOT_DOCUMENTS) ?? [];
  if (database === undefined) return postgresDocuments(core);
  return firestoreDocuments(connectGoogle({ endpoint: settings.IOT_GOOGLE_ENDPOINT }), database);
}
