/** A digest-pinned image: `HOST/PATH@sha256:HEX`. */
export type Reference = {
  /** `europe-west1-docker.pkg.dev`, `127.0.0.1:5000` */
  host: string;
  /** Repository path inside the host: `project/iot/gateway`. */
  path: string;
  /** `sha256:` and 64 hex digits. */
  digest: string;
};

const pattern = /^([a-z0-9.-]+(?::\d+)?)\/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)@(sha256:[0-9a-f]{64})$/;

/** @throws Error naming the text and what is allowed. */
export function parseReference(text: string): Reference {
  const [, host, path, digest] = pattern.exec(text) ?? [];
  if (host === undefined || path === undefined || digest === undefined)
    throw new Error(`image reference '${text}': allowed is HOST/PATH@sha256:DIGEST; a tag can move`);
  return { host, path, digest };
}

export const referenceText = ({ host, path, digest }: Reference): string => `${host}/${path}@${digest}`;
