import 'reflect-metadata';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { z } from 'zod';

/** What a device needs to connect. PEM; `cert` is the device's certificate and the chain after it. */
export type Credentials = { key: string; cert: string; ca: string };

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A new P-256 key (PKCS #8) and a certificate request (PKCS #10) for `deviceId`, both PEM. The key stays here. */
export async function createRequest(deviceId: string): Promise<{ key: string; csr: string }> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [deviceId] }],
    keys,
    signingAlgorithm: algorithm,
  });
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const lines = der.match(/.{1,64}/g) ?? [];
  return {
    key: `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`,
    csr: request.toString('pem'),
  };
}

/** The API did not issue. `status` is its HTTP status, 0 when there was no answer. */
export class EnrolmentError extends Error {
  readonly status: number;
  constructor(message: string, status: number, cause?: unknown) {
    super(message, { cause });
    this.name = 'EnrolmentError';
    this.status = status;
  }
}

const Issued = z.object({ certificate: z.string(), chain: z.string(), ca: z.string() });

/**
 * Makes a key, has its certificate signed through the API's `issueCertificate`, and returns what the device connects
 * with. `token` is asked for a bearer token with scope `devices:write`.
 * @throws EnrolmentError with the API's own sentence when it refuses, and on no answer within `timeoutMs`.
 */
export async function enrol(options: {
  deviceId: string;
  /** The API's base URL. */
  api: string;
  token: () => Promise<string>;
  timeoutMs?: number;
}): Promise<Credentials> {
  const { deviceId, api, token, timeoutMs = 15_000 } = options;
  const { key, csr } = await createRequest(deviceId);
  const url = new URL(`/v1/devices/${encodeURIComponent(deviceId)}/certificates`, api);
  const headers = { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(timeoutMs);
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ csr }), signal }).catch(
    (error: unknown) => {
      throw new EnrolmentError(`${deviceId}: no answer from ${url.href}: ${String(error)}`, 0, error);
    },
  );
  const body = await response.text();
  if (response.status !== 201)
    throw new EnrolmentError(
      `${deviceId}: the API refused the certificate request: ${response.status} ${body.slice(0, 500)}`,
      response.status,
    );
  const issued = Issued.parse(JSON.parse(body));
  return { key, cert: `${issued.certificate.trimEnd()}\n${issued.chain.trimEnd()}\n`, ca: issued.ca };
}
