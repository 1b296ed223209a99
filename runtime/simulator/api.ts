import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { DeviceType } from '../contracts/device-type.ts';
import type { NewDevice } from '../contracts/http/devices.ts';
import { EnrolmentError } from '../device/enrol.ts';

/** An answer of the API that was not the wanted one. `status` 0: no answer at all. */
export class ApiError extends Error {
  readonly status: number;
  constructor(message: string, status: number, cause?: unknown) {
    super(message, { cause });
    this.name = 'ApiError';
    this.status = status;
  }
}

/** Whether the same request may succeed later. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof ApiError) && !(error instanceof EnrolmentError)) return false;
  return error.status === 0 || error.status === 429 || error.status >= 500;
}

const Client = z.object({ id: z.string().min(1), secret: z.string().min(1) });
const Minted = z.object({ items: z.tuple([z.object({ code: z.string() })]) });
const Token = z.object({ access_token: z.string(), expires_in: z.number() });

/** The part of the platform's API that a fleet needs. Requests are tried again while the answer may pass. */
export type FleetApi = {
  /** A bearer token with at least a minute to live. */
  token(): Promise<string>;
  /** Runs `work` again, with growing random waits, while it fails with an `ApiError` or `EnrolmentError` that may pass. */
  retried<T>(work: () => Promise<T>): Promise<T>;
  putDeviceType(type: DeviceType): Promise<void>;
  deviceTypeExists(id: string): Promise<boolean>;
  /** Creates the device; one that exists is left as it is. */
  ensureDevice(device: z.input<typeof NewDevice>): Promise<void>;
  /** A claim code for this device alone. */
  newClaimCode(device: Pick<z.input<typeof NewDevice>, 'id' | 'type' | 'tags'>): Promise<string>;
};

export type ApiOptions = {
  api: string;
  /** OAuth 2.0 client: its id and secret, or the JSON file that holds them. */
  client: { id: string; secret: string } | { file: string };
  attempts?: number;
  random?: () => number;
};

export function createFleetApi(options: ApiOptions): FleetApi {
  const { api, attempts = 8, random = Math.random } = options;
  let held: { text: string; until: number } | undefined;
  let asking: Promise<string> | undefined;

  async function ask(): Promise<string> {
    const client =
      'file' in options.client ? Client.parse(JSON.parse(await readFile(options.client.file, 'utf8'))) : options.client;
    const basic = Buffer.from(`${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret)}`);
    const response = await call(new URL('/oauth/token', api), {
      method: 'POST',
      headers: { authorization: `Basic ${basic.toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'devices:read devices:write' }),
    });
    const token = Token.parse(await response.json());
    held = { text: token.access_token, until: Date.now() + (token.expires_in - 60) * 1_000 };
    return held.text;
  }

  async function token(): Promise<string> {
    if (held !== undefined && held.until > Date.now()) return held.text;
    asking ??= retried(ask).finally(() => {
      asking = undefined;
    });
    return asking;
  }

  async function retried<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!mayPass(error) || attempt >= attempts) throw error;
        const waitMs = Math.min(5_000, 200 * 2 ** attempt) * random();
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  const request = (method: string, path: string, body?: unknown, alsoFine: readonly number[] = []) =>
    retried(async () =>
      call(
        new URL(path, api),
        {
          method,
          headers: {
            authorization: `Bearer ${await token()}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        },
        alsoFine,
      ),
    );

  return {
    token,
    retried,
    async putDeviceType(type) {
      await discard(await request('PUT', `/v1/device-types/${type.id}`, type));
    },
    async deviceTypeExists(id) {
      const response = await request('GET', `/v1/device-types/${id}`, undefined, [404]);
      await discard(response);
      return response.status === 200;
    },
    async ensureDevice(device) {
      await discard(await request('POST', '/v1/devices', device, [409]));
    },
    async newClaimCode({ id, type, tags }) {
      const made = Minted.parse(await (await request('POST', '/v1/claim-codes', { device: id, type, tags })).json());
      return made.items[0].code;
    },
  };
}

async function call(url: URL, init: RequestInit, alsoFine: readonly number[] = []): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, signal: AbortSignal.timeout(15_000) });
  } catch (error) {
    throw new ApiError(`${init.method} ${url.href}: no answer: ${String(error)}`, 0, error);
  }
  if (response.ok || alsoFine.includes(response.status)) return response;
  const text = (await response.text()).slice(0, 500);
  throw new ApiError(`${init.method} ${url.href}: ${response.status} ${text}`, response.status);
}

/** Reads the rest, so that the connection can be used again. */
async function discard(response: Response): Promise<void> {
  await response.arrayBuffer();
}
