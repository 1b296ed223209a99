import { z } from 'zod';

/**
 * Settings that name parts of Google Cloud. A service runs the same bundle everywhere: which part it takes follows from
 * these values alone. Pure text; nothing here calls anyone.
 */
const projectPattern = '[a-z][a-z0-9-]{4,28}[a-z0-9]';
const location = '[a-z][a-z0-9-]{1,30}';
const name = '[A-Za-z0-9][A-Za-z0-9_.-]{0,62}';

const resource = (pattern: string, allowed: string) => z.string().regex(new RegExp(`^${pattern}$`), allowed);

/** `projects/P/secrets/NAME`, without a version: the newest is read, and new ones are added. */
export const secretResource = () =>
  resource(`projects/${projectPattern}/secrets/[A-Za-z0-9_-]{1,255}`, 'allowed is projects/PROJECT/secrets/NAME');

/** `projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N` of an asymmetric signing key. */
export const keyVersionResource = () =>
  resource(
    `projects/${projectPattern}/locations/${location}/keyRings/${name}/cryptoKeys/${name}/cryptoKeyVersions/[1-9][0-9]{0,8}`,
    'allowed is projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY/cryptoKeyVersions/NUMBER',
  );

/** `projects/P/locations/L/caPools/POOL` of Certificate Authority Service. */
export const caPoolResource = () =>
  resource(
    `projects/${projectPattern}/locations/${location}/caPools/${name}`,
    'allowed is projects/PROJECT/locations/LOCATION/caPools/POOL',
  );

/** `projects/P/locations/L/certificateTemplates/T` of Certificate Authority Service. */
export const certificateTemplateResource = () =>
  resource(
    `projects/${projectPattern}/locations/${location}/certificateTemplates/${name}`,
    'allowed is projects/PROJECT/locations/LOCATION/certificateTemplates/TEMPLATE',
  );

/** Where documents are: a table of the core database, or a Firestore database. */
export const documentsPlace = () =>
  z
    .string()
    .regex(
      new RegExp(
        `^(?:postgres|firestore:projects/${projectPattern}/databases/(?:\\(default\\)|[a-z][a-z0-9-]{2,62}))$`,
      ),
      'allowed is postgres, or firestore:projects/PROJECT/databases/DATABASE',
    );

/** A Cloud SQL database that is reached by Google's connector, as the service account's own database user. */
export type CloudSqlAddress = {
  /** Instance connection name: `project:region:instance`. */
  instance: string;
  database: string;
  /** IAM database user: a service account's e-mail without `.gserviceaccount.com`. */
  user: string;
};

export const cloudSqlForm = 'cloudsql:PROJECT:REGION:INSTANCE/DATABASE?user=ACCOUNT@PROJECT.iam';
const cloudSql = new RegExp(
  `^cloudsql:(${projectPattern}:${location}:[a-z][a-z0-9-]{0,97})/([a-z][a-z0-9_]{0,62})\\?user=([a-z][a-z0-9-]{0,62}(?:@|%40)${projectPattern}\\.iam)$`,
);

/** Parts of a `cloudsql:` URL; undefined for any other text. */
export function parseCloudSql(url: string): CloudSqlAddress | undefined {
  const [, instance, database, user] = cloudSql.exec(url) ?? [];
  if (instance === undefined || database === undefined || user === undefined) return undefined;
  return { instance, database, user: user.replace('%40', '@') };
}

/** Where public keys are: who could change them on the way would be anybody, so a URL is https or stays on this machine. */
export function isKeySetPlace(text: string): boolean {
  if (text.startsWith('/')) return true;
  const url = URL.parse(text);
  if (url === null || url.username !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && ['127.0.0.1', '[::1]'].includes(url.hostname));
}

/** `postgres://…` with its credentials, or a `cloudsql:` URL, which has none. */
export function isDatabaseUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//.test(text) ? URL.canParse(text) : parseCloudSql(text) !== undefined;
}

/**
 * Redis: `auth=iam` in the query means that the password is an access token of the service's own account. A token goes
 * over TLS only.
 */
export function redisUrlProblem(text: string): string | undefined {
  const form = 'allowed is redis://[user:password@]host:port, rediss://…, or rediss://host:port?auth=iam';
  const url = URL.parse(text);
  if (url === null || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') return form;
  if (url.search === '') return undefined;
  if (url.search !== '?auth=iam') return form;
  if (url.protocol !== 'rediss:') return 'auth=iam needs rediss://, or the access token would go unencrypted';
  return url.password === '' ? undefined : 'auth=iam needs no password in the URL; leave it out';
}

/**
 * For tests: one server on this machine that stands for every Google API. It gets access tokens, so no other host is
 * allowed.
 */
export const googleEndpoint = () =>
  z
    .string()
    .refine((text) => {
      const url = URL.parse(text);
      return (
        url !== null &&
        url.protocol === 'http:' &&
        ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname) &&
        url.username === '' &&
        url.pathname === '/' &&
        url.search === ''
      );
    }, 'allowed is http://127.0.0.1:PORT: a test server on this machine, never another host')
    .transform((text) => new URL(text).origin);
