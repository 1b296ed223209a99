// Credential of the cluster for kubectl and for the Kubernetes provider: prints an ExecCredential with a token of whoever
// runs it. Plain JavaScript, since it runs with whatever Node is on PATH. The token goes to standard output alone, where
// the caller reads it; nothing is written to disk, and no error carries it.
// https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
import { GoogleAuth } from 'google-auth-library';

/** The e-mail is what RBAC knows people by. */
const scopes = ['https://www.googleapis.com/auth/cloud-platform', 'https://www.googleapis.com/auth/userinfo.email'];
/** Handed out as shorter-lived than it is, so that a request which starts in time also ends in time. */
const marginMs = 60_000;
const timeoutMs = 30_000;

/**
 * The same identities in the same order as the provider of Google Cloud takes them, so that one run is one identity: a given
 * access token, else Application Default Credentials.
 * @returns token, and when it ends (ms since 1970); null: not known, the caller asks again when it is refused.
 */
async function tokenOf(env) {
  if (env.GOOGLE_IMPERSONATE_SERVICE_ACCOUNT)
    throw new Error(
      'GOOGLE_IMPERSONATE_SERVICE_ACCOUNT is set, which the other provider would follow and this one cannot: ' +
        `put it into the credentials instead, with \`gcloud auth application-default login --impersonate-service-account=${env.GOOGLE_IMPERSONATE_SERVICE_ACCOUNT}\`, and unset it`,
    );
  if (env.GOOGLE_OAUTH_ACCESS_TOKEN) return { token: env.GOOGLE_OAUTH_ACCESS_TOKEN, expires: null };
  // A project is given, though none is needed: else the library asks Google for the one of a federated account, by an API
  // that the account may not use.
  const client = await new GoogleAuth({ scopes, projectId: 'unused' }).getClient();
  const { token } = await client.getAccessToken();
  if (!token) throw new Error('the credentials gave no access token');
  return { token, expires: client.credentials.expiry_date ?? null };
}

const credentialOf = ({ token, expires }) => ({
  apiVersion: 'client.authentication.k8s.io/v1',
  kind: 'ExecCredential',
  status: {
    token,
    ...(expires === null ? {} : { expirationTimestamp: new Date(expires - marginMs).toISOString() }),
  },
});

const wayOut =
  'Log in with `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a credentials file ' +
  '(in CI the one of workload identity federation). docs/how-to/cluster-access.md';

let timer;
try {
  const tooLong = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
  });
  const credential = credentialOf(await Promise.race([tokenOf(process.env), tooLong]));
  process.stdout.write(`${JSON.stringify(credential)}\n`);
} catch (error) {
  // The message alone: the library's errors also carry the request, with what was sent in it.
  process.stderr.write(`cluster credential: ${error instanceof Error ? error.message : 'failed'}. ${wayOut}\n`);
  process.exitCode = 1;
} finally {
  clearTimeout(timer);
}
if (process.exitCode === 1) process.exit();
