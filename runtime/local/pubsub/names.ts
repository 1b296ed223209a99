import { invalid } from './errors.ts';

// https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names
const PROJECT = /^[a-z][a-z0-9:.-]{1,61}[a-z0-9]$/;
const RESOURCE = /^[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}$/;

export type ResourceKind = 'topics' | 'subscriptions' | 'snapshots';

/** What the service puts in `subscription.topic` once the topic is gone. */
export const DELETED_TOPIC = '_deleted-topic_';

/**
 * Returns `name` when it is `projects/{project}/{kind}/{id}` by Pub/Sub's rules.
 * @throws RpcError INVALID_ARGUMENT naming the field and what is allowed
 */
export function checkName(kind: ResourceKind, name: string | undefined, field: string): string {
  const parts = (name ?? '').split('/');
  if (parts.length !== 4 || parts[0] !== 'projects' || parts[2] !== kind || !PROJECT.test(parts[1] ?? '')) {
    throw invalid(`${field}: "${name ?? ''}" is no resource name; it must be projects/{project}/${kind}/{id}`);
  }
  const id = parts[3] ?? '';
  if (!RESOURCE.test(id) || id.startsWith('goog')) {
    throw invalid(
      `${field}: the id "${id}" must start with a letter, not with "goog", and have 3 to 255 of A-Z a-z 0-9 - _ . ~ + %`,
    );
  }
  return name as string;
}

/** `projects/{project}` → the prefix of its resources of `kind`. */
export function projectPrefix(kind: ResourceKind, project: string | undefined): string {
  const [head, id, ...rest] = (project ?? '').split('/');
  if (head !== 'projects' || rest.length > 0 || !PROJECT.test(id ?? '')) {
    throw invalid(`project: "${project ?? ''}" must be projects/{project}`);
  }
  return `${project}/${kind}/`;
}
