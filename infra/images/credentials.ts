import { GoogleAuth } from 'google-auth-library';

/**
 * Access token for Google's registries, from where Google's own tools take it: the environment's short-lived token that
 * the providers read too, else application default credentials. Other hosts get none.
 * @throws Error saying how to log in.
 */
export function googleToken(
  env: Readonly<Record<string, string | undefined>>,
): (host: string) => Promise<string | null> {
  return async (host) => {
    if (!/(^|\.)(pkg\.dev|gcr\.io)$/.test(host)) return null;
    const given = env['GOOGLE_OAUTH_ACCESS_TOKEN'];
    if (given !== undefined && given !== '') return given;
    // Public images need none.
    if (host === 'gcr.io') return null;
    try {
      const auth = new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/cloud-platform' });
      return (await auth.getAccessToken()) ?? null;
    } catch (error) {
      throw new Error(
        `no credentials for ${host}: run \`gcloud auth application-default login\`, or set GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_OAUTH_ACCESS_TOKEN`,
        { cause: error },
      );
    }
  };
}
