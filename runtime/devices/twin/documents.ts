import type { TwinDocument } from '../../contracts/twin.ts';
import type { DocumentStore, StoredDocument } from '../../platform/documents/documents.ts';

/** One side of a twin as stored. `tag` is the store's own version, for compare-and-set; undefined before the first write. */
export type StoredDesired = Side & {
  /** Id of the change that made it. */
  change: string;
};
export type StoredReported = Side & {
  deviceVersion: number | null;
  /** Where the device said it: connection and place in it. */
  connection: number;
  order: number;
};
type Side = { version: number; updatedAt: string | null; document: TwinDocument; tag: string | undefined };

const keyOf = (side: 'desired' | 'reported', tenant: string, device: string) => ({
  collection: `twin-${side}`,
  tenant,
  id: device,
});

/**
 * Twins in the document store: two documents a device, so that each may have its 256 KB and people and the device never
 * meet in one compare-and-set. The document is the value as it is; what we know of it stands in the fields.
 */
export function twinDocuments(store: DocumentStore) {
  return {
    async desired(tenant: string, device: string): Promise<StoredDesired> {
      const stored = await store.get(keyOf('desired', tenant, device));
      return { ...side(stored), change: stored?.fields['change'] ?? '' };
    },

    async reported(tenant: string, device: string): Promise<StoredReported> {
      const stored = await store.get(keyOf('reported', tenant, device));
      const own = stored?.fields['own'] ?? '';
      return {
        ...side(stored),
        deviceVersion: own === '' ? null : Number(own),
        connection: Number(stored?.fields['connection'] ?? -1),
        order: Number(stored?.fields['order'] ?? -1),
      };
    },

    /** @throws DocumentConflict when it is not as `before` says any more */
    async putDesired(
      tenant: string,
      device: string,
      before: StoredDesired,
      next: { version: number; updatedAt: string; document: TwinDocument; change: string },
    ): Promise<void> {
      const fields = { version: String(next.version), at: next.updatedAt, change: next.change };
      await store.put(keyOf('desired', tenant, device), { value: next.document, fields }, expected(before));
    },

    /** @throws DocumentConflict when it is not as `before` says any more */
    async putReported(
      tenant: string,
      device: string,
      before: StoredReported,
      next: Omit<StoredReported, 'tag'>,
    ): Promise<void> {
      const fields = {
        version: String(next.version),
        at: next.updatedAt ?? '',
        own: next.deviceVersion === null ? '' : String(next.deviceVersion),
        connection: String(next.connection),
        order: String(next.order),
      };
      await store.put(keyOf('reported', tenant, device), { value: next.document, fields }, expected(before));
    },
  };
}
export type TwinDocuments = ReturnType<typeof twinDocuments>;

function side(stored: StoredDocument | undefined): Side {
  return {
    version: Number(stored?.fields['version'] ?? 0),
    updatedAt: stored?.fields['at'] ?? null,
    document: stored?.value ?? {},
    tag: stored?.version,
  };
}

const expected = ({ tag }: Side) => (tag === undefined ? ('absent' as const) : { version: tag });
