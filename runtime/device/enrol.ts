import 'reflect-metadata';
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { z } from 'zod';

/** What a device needs to connect. PEM; `cert` is the device's certificate and the chain after it. */
export type Credentials = { key: string; cert: string; ca: string };

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A device's key (PKCS #8) and a certificate request for it (PKCS #10), both PEM. The key stays on the device. */
export type DeviceRequest = { key: string; csr: string };

/**
 * A new P-256 key and a request for it. Keep `key` before you send `csr`: after a power cut the same key gets the
 * certificate that was lost on its way.
 * @param deviceId common name of the request; without it the platform names the device
 * @param key the key of an earlier request, PEM
 */
export async function createRequest(deviceId: string | undefined, key?: string): Promise<DeviceRequest> {
  const keys =
    key === undefined ? await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) : await keysOf(key);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: deviceId === undefined ? [] : [{ CN: [deviceId] }],
    keys,
    signingAlgorithm: algorithm,
  });
  if (key !== undefined) return { key, csr: request.toString('pem') };
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const lines = der.match(/.{1,64}/g) ?? [];
  return {
    key: `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`,
    csr: request.toString('pem'),
  };
}

/** Web Crypto wants both halves; the public one follows from the private. */
async function keysOf(pem: string): Promise<CryptoKeyPair> {
  const privateKey = createPrivateKey(pem);
  const half = (key: KeyObject, format: 'pkcs8' | 'spki', use: 'sign' | 'verify') =>
    crypto.subtle.importKey(format, new Uint8Array(key.export({ format: 'der', type: format })), algorithm, true, [
      use,
    ]);
  const [priv, pub] = await Promise.all([
    half(privateKey, 'pkcs8', 'sign'),
    half(createPublicKey(privateKey), 'spki', 'verify'),
  ]);
  return { privateKey: priv, publicKey: pub };
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
const Claimed = Issued.extend({ device: z.string() });

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
  const issued = await ask(deviceId, url, { csr }, timeoutMs, { authorization: `Bearer ${await token()}` });
  return credentialsOf(key, Issued.parse(issued));
}

/**
 * Enrols with a claim code: no token, no operator. The platform registers the device and signs its certificate.
 * `request` is from `createRequest`, its key kept by you: asking again with the same code and key is safe, for a day.
 * @returns what the device connects with, and its id, which the code may have decided.
 * @throws EnrolmentError; one with status 0, 429 or 5xx may pass, so ask again.
 */
export async function enrolWithClaimCode(options: {
  code: string;
  request: DeviceRequest;
  /** The API's base URL. */
  api: string;
  timeoutMs?: number;
}): Promise<Credentials & { device: string }> {
  const { code, request, api, timeoutMs = 15_000 } = options;
  const issued = Claimed.parse(
    await ask('claim code', new URL('/v1/enrol', api), { code, csr: request.csr }, timeoutMs, {}),
  );
  return { device: issued.device, ...credentialsOf(request.key, issued) };
}

const credentialsOf = (key: string, issued: z.output<typeof Issued>): Credentials => ({
  key,
  cert: `${issued.certificate.trimEnd()}\n${issued.chain.trimEnd()}\n`,
  ca: issued.ca,
});

async function ask(
  who: string,
  url: URL,
  body: unknown,
  timeoutMs: number,
  headers: Record<string, string>,
): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error: unknown) => {
    throw new EnrolmentError(`${who}: no answer from ${url.href}: ${String(error)}`, 0, error);
  });
  const text = await response.text();
  if (response.status !== 201)
    throw new EnrolmentError(
      `${who}: the API refused the certificate request: ${response.status} ${text.slice(0, 500)}`,
      response.status,
    );
  return JSON.parse(text);
}
