/**
 * Values that Google takes and the package's documentation does not list (yet). Each is needed: one that no input uses
 * any more fails the test.
 * @property path without indices: `versions.name`
 */
export const laggingDocumentation: readonly { type: string; path: string; value: string; source: string }[] = [];
