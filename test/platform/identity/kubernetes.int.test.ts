import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { audienceOf } from '../../../runtime/contracts/callers.ts';
import { ProblemError } from '../../../runtime/platform/http/problem.ts';
import { openCallers } from '../../../runtime/platform/identity/callers.ts';
import { type ApiServer, assets, startApiServer } from '../../infra/kube/apiserver.ts';
import { quietLog } from '../../support/log.ts';

/** `--service-account-issuer` of the test's API server. */
const issuer = 'https://kubernetes.default.svc';
const namespace = 'iot-dev';
const bin = assets();

describe.skipIf(bin === null)('tokens of a real Kubernetes API server (KUBEBUILDER_ASSETS)', () => {
  let kubernetes: ApiServer;
  let keys: ReturnType<typeof createServer>;
  let place: string;

  beforeAll(async () => {
    kubernetes = await startApiServer(bin as string);
    const made = [
      await kubernetes.call('POST', '/api/v1/namespaces', { metadata: { name: namespace } }),
      ...(await Promise.all(
        ['gateway', 'simulator'].map((name) =>
          kubernetes.call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } }),
        ),
      )),
    ];
    expect(made.map(({ status }) => status)).toEqual([201, 201, 201]);
    // As GKE does for everybody at `…/jwks`; the API server itself asks for a log-in first.
    const set = await kubernetes.call('GET', '/openid/v1/jwks');
    const body = (set.body['text'] as string | undefined) ?? JSON.stringify(set.body);
    keys = createServer((_, response) => response.end(body));
    await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
    place = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/jwks`;
  }, 120_000);
  afterAll(async () => {
    keys?.close();
    await kubernetes?.stop();
  });

  /** What the kubelet asks for a projected volume. */
  async function tokenOf(account: string, audience: string): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
    const { status, body } = await kubernetes.call('POST', path, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [audience], expirationSeconds: 600 },
    });
    expect(status, JSON.stringify(body)).toBe(201);
    return (body['status'] as { token: string }).token;
  }
  const callers = () =>
    openCallers(
      'devices',
      { IOT_CALLER_KEYS: place, IOT_CALLER_ISSUER: issuer, IOT_CALLER_NAMESPACE: namespace },
      quietLog,
    );
  const refused = async (token: string) => {
    const error = await callers()
      .verify(`Bearer ${token}`)
      .catch((thrown: unknown) => thrown);
    return error instanceof ProblemError ? [error.status, error.detail.split(';')[0]] : error;
  };

  test('are taken for the account that they name', async () => {
    expect(await callers().verify(`Bearer ${await tokenOf('gateway', audienceOf('devices'))}`)).toBe('gateway');
  });

  test('open neither another service nor, where they were made for one, the API itself', async () => {
    const forTelemetry = await tokenOf('gateway', audienceOf('telemetry'));
    expect(await refused(forTelemetry)).toEqual([401, expect.stringContaining('its aud is another')]);
    expect(await refused(await tokenOf('simulator', audienceOf('devices')))).toEqual([
      401,
      expect.stringContaining('account'),
    ]);
  });
});
