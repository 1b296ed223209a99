import { secretKey, unknownValue } from '../recording/record.ts';

export const knownAfterUp = '(known after up)';
export const hiddenSecret = '(secret)';

/** A recorded value for a reader: secrets hidden, unknowns named, keys sorted so that the same program gives the same bytes. */
export function readable(value: unknown): unknown {
  if (value === unknownValue) return knownAfterUp;
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  if (secretKey in value) return hiddenSecret;
  return sorted(value as Record<string, unknown>, readable);
}

/** The same with unknowns left as they are: for what another tool reads. */
export function opened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== 'object' || value === null) return value;
  if (secretKey in value) return hiddenSecret;
  return sorted(value as Record<string, unknown>, opened);
}

function sorted(value: Readonly<Record<string, unknown>>, each: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, each(value[key])]),
  );
}

/** Paths of a value that are unknown in a preview: `settings.ipConfiguration.privateNetwork`. */
export function unknownPaths(value: unknown, path = ''): string[] {
  if (value === unknownValue) return [path];
  if (Array.isArray(value)) return value.flatMap((each, index) => unknownPaths(each, `${path}[${index}]`));
  if (typeof value !== 'object' || value === null) return [];
  if (secretKey in value) return unknownPaths((value as unknown as { value: unknown }).value, path);
  return Object.entries(value).flatMap(([key, each]) => unknownPaths(each, path === '' ? key : `${path}.${key}`));
}
