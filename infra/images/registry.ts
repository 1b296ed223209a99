import { setTimeout as pause } from 'node:timers/promises';
import { type Blob, digestOf } from './oci.ts';

/**
 * What of the registry's API a push and a refresh need.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
 */
export type RegistryOptions = {
  /** `europe-west1-docker.pkg.dev`, `127.0.0.1:5000`; plain HTTP on loopback only. */
  host: string;
  /** Repository path inside the host. */
  path: string;
  /** Access token of a person or service for this host; null: anonymous. Never in an error or a log. */
  token: (host: string) => Promise<string | null>;
  fetch?: typeof fetch;
  /** Milliseconds before each further try; its length bounds the tries. */
  backoff?: readonly number[];
};

export class RegistryError extends Error {
  readonly status: number | null;
  constructor(message: string, status: number | null, cause?: unknown) {
    super(message, { cause });
    this.name = 'RegistryError';
    this.status = status;
  }
}

type Body = Uint8Array<ArrayBuffer> | string;
type Call = { method: string; url: string; headers?: Record<string, string>; body?: Body; expect: readonly number[] };

const chunk = 8 * 1024 * 1024;
const largestDocument = 4 * 1024 * 1024;
/** A token or an error. */
const largestAnswer = 64 * 1024;
const largestBlob = 512 * 1024 * 1024;
const callMs = 120_000;
const jitter = 0.5;

/** Client of one repository of one registry. Every read is verified by digest. */
export class Registry {
  readonly #options: Required<RegistryOptions>;
  readonly #base: string;
  #authorization: string | null = null;

  constructor(options: RegistryOptions) {
    this.#options = { fetch, backoff: [500, 1_000, 2_000, 4_000, 8_000], ...options };
    const loopback = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(options.host);
    this.#base = `${loopback ? 'http' : 'https'}://${options.host}/v2/`;
  }

  get #at(): string {
    return `${this.#base}${this.#options.path}`;
  }

  async hasBlob(digest: string): Promise<boolean> {
    const response = await this.#call({ method: 'HEAD', url: `${this.#at}/blobs/${digest}`, expect: [200, 404] });
    return response.status === 200;
  }

  /** @throws RegistryError when the bytes are not those that the digest names. */
  async blob(digest: string): Promise<Buffer> {
    const response = await this.#call({ method: 'GET', url: `${this.#at}/blobs/${digest}`, expect: [200] });
    return this.#verified(response, digest, largestBlob);
  }

  /** @param types media types that the answer may have. @throws RegistryError as for a blob. */
  async manifest(digest: string, types: readonly string[]): Promise<Buffer> {
    const url = `${this.#at}/manifests/${digest}`;
    const response = await this.#call({ method: 'GET', url, headers: { accept: types.join(', ') }, expect: [200] });
    return this.#verified(response, digest, largestDocument);
  }

  /** Digest of what a tag or digest names; null: there is none. */
  async manifestDigest(reference: string, type: string): Promise<string | null> {
    const url = `${this.#at}/manifests/${reference}`;
    const response = await this.#call({ method: 'HEAD', url, headers: { accept: type }, expect: [200, 404] });
    if (response.status === 404) return null;
    return response.headers.get('docker-content-digest') ?? reference;
  }

  /** Uploads what is not there yet. @param from path of a repository of the same host that has it, to save the bytes. */
  async putBlob(
    { descriptor, bytes }: Pick<Blob, 'descriptor' | 'bytes'>,
    from?: string,
  ): Promise<'there' | 'mounted' | 'sent'> {
    const { digest } = descriptor;
    if (await this.hasBlob(digest)) return 'there';
    const query = from === undefined ? '' : `?mount=${digest}&from=${encodeURIComponent(from)}`;
    const started = await this.#call({ method: 'POST', url: `${this.#at}/blobs/uploads/${query}`, expect: [201, 202] });
    if (started.status === 201) return 'mounted';
    let location = this.#location(started);
    const body = new Uint8Array(bytes);
    let sent = 0;
    while (body.length - sent > chunk) {
      const end = sent + chunk;
      const headers = { 'content-type': 'application/octet-stream', 'content-range': `${sent}-${end - 1}` };
      const answer = await this.#call({
        method: 'PATCH',
        url: location,
        headers,
        body: body.slice(sent, end),
        expect: [202],
      });
      location = this.#location(answer);
      sent = end;
    }
    const url = new URL(location);
    url.searchParams.set('digest', digest);
    const rest = sent === 0 ? body : body.slice(sent);
    const headers: Record<string, string> = { 'content-type': 'application/octet-stream' };
    if (sent > 0) headers['content-range'] = `${sent}-${body.length - 1}`;
    await this.#call({ method: 'PUT', url: url.href, headers, body: rest, expect: [201] });
    return 'sent';
  }

  /** @returns whether the registry itself keeps the list of what refers to an image (`OCI-Subject`). */
  async putManifest(reference: string, { descriptor, bytes }: Blob): Promise<{ lists: boolean }> {
    const response = await this.#call({
      method: 'PUT',
      url: `${this.#at}/manifests/${reference}`,
      headers: { 'content-type': descriptor.mediaType },
      body: new Uint8Array(bytes),
      expect: [201],
    });
    return { lists: response.headers.has('oci-subject') };
  }

  /** Artifacts that refer to an image, from the registry's own list; null: it keeps none. */
  async referrers(digest: string): Promise<readonly { artifactType?: string }[] | null> {
    const url = `${this.#at}/referrers/${digest}`;
    const response = await this.#call({ method: 'GET', url, expect: [200, 400, 404, 405] });
    if (response.status !== 200 || !/json/.test(response.headers.get('content-type') ?? '')) return null;
    const list = JSON.parse((await this.#bytes(response, 'a list', largestDocument)).toString());
    return (list as { manifests?: { artifactType?: string }[] }).manifests ?? [];
  }

  async #verified(response: Response, digest: string, largest: number): Promise<Buffer> {
    const bytes = await this.#bytes(response, digest, largest);
    const found = digestOf(bytes);
    if (found !== digest) throw this.#error(`was asked for ${digest} and sent bytes whose digest is ${found}`, null);
    return bytes;
  }

  /** The whole answer, and no more of it than may be: neither its length nor its end is the registry's to choose. */
  async #bytes(response: Response, what: string, largest: number): Promise<Buffer> {
    const declared = Number(response.headers.get('content-length') ?? 0);
    if (declared > largest) throw this.#error(`${what} has ${declared} bytes; allowed are ${largest}`, null);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const part of response.body ?? []) {
      size += (part as Uint8Array).length;
      if (size > largest) throw this.#error(`${what} has more than ${largest} bytes`, null);
      chunks.push(part as Uint8Array);
    }
    return Buffer.concat(chunks);
  }

  /** The token goes along with the next call: an upload that points to another host is refused. */
  #location(response: Response): string {
    const location = new URL(response.headers.get('location') ?? '', response.url || this.#base);
    if (location.origin !== new URL(this.#base).origin)
      throw this.#error(`sent an upload on to ${location.origin}; allowed is its own host`, null);
    return location.href;
  }

  async #call(call: Call): Promise<Response> {
    let challenged = false;
    for (let tries = 0; ; tries++) {
      const outcome = await this.#once(call).catch((error: unknown) => error as Error);
      const wait = this.#options.backoff[tries];
      if (outcome instanceof Error) {
        if (wait === undefined) throw this.#unreachable(call, outcome);
      } else {
        if (call.expect.includes(outcome.status)) return outcome;
        if (outcome.status === 401 && !challenged) {
          challenged = true;
          if (await this.#authorize(outcome)) continue;
        }
        if (wait === undefined || !passing(outcome.status)) throw await this.#refused(call, outcome);
        await outcome.body?.cancel();
      }
      await pause(wait * (1 - jitter * Math.random()));
    }
  }

  async #once({ method, url, headers, body }: Call): Promise<Response> {
    const authorization = this.#authorization === null ? {} : { authorization: this.#authorization };
    return this.#options.fetch(url, {
      method,
      headers: { ...headers, ...authorization },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(callMs),
    });
  }

  /** Answers a challenge: a token ends after minutes, and a push may take longer. @returns whether there is something new to try with. */
  async #authorize(response: Response): Promise<boolean> {
    const { host, path, token } = this.#options;
    const challenge = response.headers.get('www-authenticate') ?? '';
    const field = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
    const realm = field('realm');
    if (!/^bearer/i.test(challenge) || realm === undefined) return false;
    await response.body?.cancel();
    const url = new URL(realm);
    const own = url.origin === new URL(this.#base).origin;
    const secret = own ? await token(host) : null;
    url.searchParams.set('service', field('service') ?? host);
    url.searchParams.set('scope', field('scope') ?? `repository:${path}:pull,push`);
    const basic = secret === null ? null : Buffer.from(`oauth2accesstoken:${secret}`).toString('base64');
    const answer = await this.#options.fetch(url, {
      headers: basic === null ? {} : { authorization: `Basic ${basic}` },
      signal: AbortSignal.timeout(callMs),
    });
    if (!answer.ok) throw this.#error(`gave no token: ${answer.status} from ${url.host}${url.pathname}`, answer.status);
    const text = (await this.#bytes(answer, 'a token', largestAnswer)).toString();
    const given = JSON.parse(text) as { token?: string; access_token?: string };
    const bearer = given.token ?? given.access_token;
    if (bearer === undefined) throw this.#error(`gave no token: ${url.host}${url.pathname} answered without one`, null);
    this.#authorization = `Bearer ${bearer}`;
    return true;
  }

  async #refused({ method, url }: Call, response: Response): Promise<RegistryError> {
    const bytes = await this.#bytes(response, 'an error', largestAnswer).catch((error: Error) => error.message);
    const text = bytes.toString().slice(0, 500);
    return this.#error(`answered ${response.status} to ${method} ${new URL(url).pathname}: ${text}`, response.status);
  }

  #unreachable({ method, url }: Call, error: Error): RegistryError {
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
    return this.#error(`did not answer ${method} ${new URL(url).pathname}: ${error.message}${cause}`, null, error);
  }

  #error(message: string, status: number | null, cause?: unknown): RegistryError {
    return new RegistryError(`registry ${this.#options.host} ${message}`, status, cause);
  }
}

const passing = (status: number): boolean => status === 408 || status === 429 || status >= 500;
