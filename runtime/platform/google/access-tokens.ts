import { type AuthClient, Compute, GoogleAuth } from 'google-auth-library';

/** Access tokens of the process' own identity: on GKE the workload's, by the metadata server; no key file anywhere. */
export type AccessTokens = {
  /** A token with some minutes of life at least, kept until then. `expiresAt` is epoch milliseconds. */
  current(): Promise<{ token: string; expiresAt: number }>;
  /** Gets another one although `refused` has not ended yet: an API answered 401 to it. */
  replace(refused: string): Promise<void>;
};

const scope = 'https://www.googleapis.com/auth/cloud-platform';
/** Google's tokens live an hour; what says no end is asked for again after half of it. */
const unsaidLifeMs = 30 * 60_000;

/** Credentials for a test server: what the metadata server of a pod gives, from `endpoint` instead. */
export function testCredentials(endpoint: string): AuthClient {
  // google-auth-library takes the metadata server's address from this variable only:
  // https://github.com/googleapis/gcp-metadata#environment-variables
  process.env['GCE_METADATA_HOST'] = new URL(endpoint).host;
  return new Compute();
}

/** @param endpoint a test server on this machine; without it the application default credentials are used. */
export function accessTokens(endpoint: string | undefined, clock: () => number = Date.now): AccessTokens {
  const auth = endpoint === undefined ? new GoogleAuth({ scopes: scope }) : undefined;
  const test = endpoint === undefined ? undefined : testCredentials(endpoint);
  const client = async (): Promise<AuthClient> => test ?? (await (auth as GoogleAuth).getClient());
  return {
    async current() {
      const found = await client();
      const { token } = await found.getAccessToken();
      if (typeof token !== 'string' || token === '')
        throw new Error('the application default credentials gave no token');
      return { token, expiresAt: found.credentials.expiry_date ?? clock() + unsaidLifeMs };
    },
    async replace(refused) {
      const found = await client();
      if (found.credentials.access_token === refused)
        found.setCredentials({ ...found.credentials, access_token: null, expiry_date: 1 });
    },
  };
}
