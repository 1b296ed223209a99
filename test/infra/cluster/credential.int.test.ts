import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { kubeconfig } from '../../../infra/cluster/kubeconfig.ts';
import { freePort } from '../../support/ports.ts';

/**
 * The kubeconfig's own command line, as client-go would run it: a real process in a folder of the project, against a token
 * service on loopback. What only Google can show is whether it takes the token.
 */
const { command, args } = kubeconfig('dev', 'https://gke-1.europe-west1.gke.goog').users[0]?.user.exec ?? {};
const projectFolder = resolve(import.meta.dirname, '../../..');
/** Where the engine starts its providers. */
const programFolder = join(projectFolder, 'stacks');
const marginMs = 60_000;

type Ended = { code: number; stdout: string; stderr: string };
let home: string;
let stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'iot-credential-'));
});
afterEach(async () => {
  for (const stop of stops) await stop();
  stops = [];
  await rm(home, { recursive: true });
});

/** Nothing of this shell but its PATH: no credentials of whoever runs the tests, and no metadata server. */
const run = (env: Record<string, string> = {}, cwd = programFolder): Promise<Ended> =>
  new Promise((done) => {
    execFile(
      command ?? '',
      args ?? [],
      { cwd, env: { PATH: process.env['PATH'], HOME: home, METADATA_SERVER_DETECTION: 'none', ...env } },
      (error, stdout, stderr) =>
        done({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    );
  });

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  const port = await freePort();
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  stops.push(() => new Promise((closed) => server.close(() => closed())));
  return `127.0.0.1:${port}`;
}

/** Credentials of a CI run by workload identity federation: its token in a file, exchanged at a token service. */
async function federated(tokenService: string): Promise<string> {
  const [subject, file] = [join(home, 'ci.jwt'), join(home, 'credentials.json')];
  await writeFile(subject, 'the-ci-token');
  await writeFile(
    file,
    JSON.stringify({
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/ci',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `http://${tokenService}/v1/token`,
      credential_source: { file: subject },
    }),
  );
  return file;
}

const parsed = ({ code, stdout, stderr }: Ended) => {
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
};

describe('the credential of the cluster', () => {
  test('is that of a keyless CI run, with its end, from inside the project', async () => {
    const asked: { url: string | undefined; body: URLSearchParams }[] = [];
    const address = await serve(async (request: IncomingMessage, response) => {
      asked.push({ url: request.url, body: new URLSearchParams(await text(request)) });
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ access_token: 'ya29.ci', token_type: 'Bearer', expires_in: 3600 }));
    });
    const before = Date.now();
    const credential = parsed(await run({ GOOGLE_APPLICATION_CREDENTIALS: await federated(address) }));
    const after = Date.now();
    expect(credential).toEqual({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'ya29.ci', expirationTimestamp: expect.any(String) },
    });
    // Said to end a minute before it does, so that a request which starts in time ends in time.
    const ends = Date.parse(credential.status.expirationTimestamp);
    expect(ends).toBeGreaterThanOrEqual(before + 3_600_000 - marginMs);
    expect(ends).toBeLessThanOrEqual(after + 3_600_000 - marginMs);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.url).toBe('/v1/token');
    expect(asked[0]?.body.get('subject_token')).toBe('the-ci-token');
    // RBAC knows people by their e-mail, which takes a scope of its own.
    expect(asked[0]?.body.get('scope')).toBe(
      'https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/userinfo.email',
    );
  });

  test('is that of the machine inside Google Cloud', async () => {
    const address = await serve((request, response) => {
      response.setHeader('metadata-flavor', 'Google');
      response.setHeader('content-type', 'application/json');
      if (request.url?.startsWith('/computeMetadata/v1/instance/service-accounts/default/token'))
        response.end(JSON.stringify({ access_token: 'ya29.machine', token_type: 'Bearer', expires_in: 1800 }));
      else if (request.url?.startsWith('/computeMetadata/v1/universe')) response.end('googleapis.com');
      else {
        response.statusCode = 404;
        response.end('{}');
      }
    });
    const credential = parsed(
      await run({ GCE_METADATA_HOST: address, METADATA_SERVER_DETECTION: 'assume-present' }, projectFolder),
    );
    expect(credential.status.token).toBe('ya29.machine');
  });

  test('is the given token, as the other provider takes it; its end is not known', async () => {
    expect(parsed(await run({ GOOGLE_OAUTH_ACCESS_TOKEN: 'ya29.given' })).status).toEqual({ token: 'ya29.given' });
  });
});

describe('without a credential', () => {
  test('it says how to log in, and prints nothing where a token is expected', async () => {
    const { code, stdout, stderr } = await run();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('gcloud auth application-default login');
    expect(stderr).toContain('docs/how-to/cluster-access.md');
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('a refusal is told without what was sent', async () => {
    const address = await serve((_, response) => {
      response.statusCode = 400;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ error: 'invalid_grant', error_description: 'the pool does not know this branch' }));
    });
    const { code, stdout, stderr } = await run({ GOOGLE_APPLICATION_CREDENTIALS: await federated(address) });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('the pool does not know this branch');
    expect(stderr).not.toContain('the-ci-token');
  });

  test('outside the project it says where to be', async () => {
    const { code, stdout, stderr } = await run({ GOOGLE_OAUTH_ACCESS_TOKEN: 'ya29.given' }, home);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('run npm install in the project, and this inside it');
    expect(stderr).not.toContain('ya29.given');
  });

  test('two identities in one run are refused', async () => {
    const { code, stderr } = await run({
      GOOGLE_OAUTH_ACCESS_TOKEN: 'ya29.given',
      GOOGLE_IMPERSONATE_SERVICE_ACCOUNT: 'deployer@p.iam.gserviceaccount.com',
    });
    expect(code).toBe(1);
    expect(stderr).toContain('--impersonate-service-account=deployer@p.iam.gserviceaccount.com');
  });
});
