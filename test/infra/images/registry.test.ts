import { describe, expect, it } from 'vitest';
import { googleToken } from '../../../infra/images/credentials.ts';
import { blobOf, digestOf } from '../../../infra/images/oci.ts';
import { Registry } from '../../../infra/images/registry.ts';

type Seen = { method: string; url: string; headers: Headers; size: number };

/** A registry that answers as the test says; what it was asked is in `seen`. */
function scripted(answer: (seen: Seen, n: number) => Response | Error, token: string | null = 'ya29.secret') {
  const seen: Seen[] = [];
  const registry = new Registry({
    host: 'region-docker.pkg.dev',
    path: 'project/images/gateway',
    token: async () => token,
    backoff: [0, 0, 0],
    fetch: async (input, init) => {
      const body = init?.body as Uint8Array | undefined;
      const one = {
        method: init?.method ?? 'GET',
        url: String(input),
        headers: new Headers(init?.headers),
        size: body?.length ?? 0,
      };
      seen.push(one);
      const outcome = answer(one, seen.length);
      if (outcome instanceof Error) throw outcome;
      return outcome;
    },
  });
  return { registry, seen };
}
const status = (code: number, headers: Record<string, string> = {}) => new Response(null, { status: code, headers });
const at = 'https://region-docker.pkg.dev/v2/project/images/gateway';
const blob = blobOf('application/octet-stream', Buffer.from('bytes'));

describe('the registry client', () => {
  it('tries again what may pass, and gives up by name', async () => {
    const passing = scripted((_, n) => (n === 1 ? new TypeError('fetch failed') : n < 4 ? status(503) : status(200)));
    expect(await passing.registry.hasBlob(blob.descriptor.digest)).toBe(true);
    expect(passing.seen).toHaveLength(4);
    const lasting = scripted(() => status(503));
    await expect(lasting.registry.hasBlob('sha256:x')).rejects.toThrow(
      'registry region-docker.pkg.dev answered 503 to HEAD /v2/project/images/gateway/blobs/sha256:x',
    );
    const gone = scripted(() => new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND') }));
    await expect(gone.registry.hasBlob('sha256:x')).rejects.toThrow('did not answer HEAD');
    expect(gone.seen).toHaveLength(4);
  });

  it('does not try again what was refused', async () => {
    const { registry, seen } = scripted(() => new Response('no right to push', { status: 403 }));
    await expect(registry.putBlob(blob)).rejects.toThrow(/403 .*no right to push/);
    expect(seen).toHaveLength(1);
  });

  it('answers a challenge with the access token at its own host only, and never says the token', async () => {
    const challenge = (realm: string) =>
      status(401, {
        'www-authenticate': `Bearer realm="${realm}",service="region-docker.pkg.dev",scope="repository:x:push"`,
      });
    const own = scripted(({ url, headers }) =>
      url.startsWith('https://region-docker.pkg.dev/v2/token')
        ? Response.json({ token: 'short' })
        : headers.get('authorization') === 'Bearer short'
          ? status(200)
          : challenge('https://region-docker.pkg.dev/v2/token'),
    );
    await own.registry.hasBlob('sha256:x');
    const asked = own.seen.find(({ url }) => url.includes('/v2/token'));
    const basic = Buffer.from(asked?.headers.get('authorization')?.split(' ')[1] ?? '', 'base64').toString();
    expect(basic).toBe('oauth2accesstoken:ya29.secret');
    expect(own.seen.every(({ url }) => !url.includes('ya29'))).toBe(true);

    const foreign = scripted(({ url }) =>
      url.startsWith('https://evil.example') ? status(403) : challenge('https://evil.example/token'),
    );
    const error = await foreign.registry.hasBlob('sha256:x').catch((e: unknown) => e as Error);
    expect(String(error)).toContain('gave no token: 403 from evil.example');
    expect(foreign.seen.every(({ headers }) => headers.get('authorization') === null)).toBe(true);
    expect(JSON.stringify(error) + String(error)).not.toContain('ya29');
  });

  it.each(['token', 'error', 'list'] as const)('stops reading what has no end: %s', async (which) => {
    let sent = 0;
    const endless = (code: number) =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += 65_536;
            // The test's own end: without a bound of the client's this much would be read.
            if (sent > 64_000_000) controller.close();
            else controller.enqueue(new Uint8Array(65_536).fill(32));
          },
        }),
        { status: code, headers: { 'content-type': 'application/json' } },
      );
    const { registry } = scripted(({ url }) => {
      if (which === 'error') return endless(403);
      if (which === 'list' || url.includes('/v2/token')) return endless(200);
      return status(401, { 'www-authenticate': 'Bearer realm="https://region-docker.pkg.dev/v2/token"' });
    });
    await expect(registry.referrers('sha256:x')).rejects.toThrow(/has more than \d+ bytes/);
    expect(sent).toBeLessThan(10_000_000);
  });

  it('gets a new token when the one it has ends in the middle', async () => {
    let valid = 'first';
    const { registry } = scripted(({ url, headers }) => {
      if (url.includes('/v2/token')) return Response.json({ token: valid });
      if (headers.get('authorization') === `Bearer ${valid}`) return status(200);
      return status(401, { 'www-authenticate': 'Bearer realm="https://region-docker.pkg.dev/v2/token"' });
    });
    expect(await registry.hasBlob('sha256:x')).toBe(true);
    valid = 'second';
    expect(await registry.hasBlob('sha256:x')).toBe(true);
  });

  it('sends a large blob in parts, and nothing that is there', async () => {
    const large = blobOf('application/octet-stream', Buffer.alloc(20_000_000, 7));
    const { registry, seen } = scripted(({ method }) =>
      method === 'HEAD'
        ? status(404)
        : status(method === 'PUT' ? 201 : 202, { location: `${at}/blobs/uploads/1?state=a` }),
    );
    expect(await registry.putBlob(large)).toBe('sent');
    expect(seen.map(({ method, size, headers }) => [method, size, headers.get('content-range')])).toEqual([
      ['HEAD', 0, null],
      ['POST', 0, null],
      ['PATCH', 8_388_608, '0-8388607'],
      ['PATCH', 8_388_608, '8388608-16777215'],
      ['PUT', 3_222_784, '16777216-19999999'],
    ]);
    expect(seen.at(-1)?.url).toBe(
      `${at}/blobs/uploads/1?state=a&digest=${encodeURIComponent(large.descriptor.digest)}`,
    );
    const there = scripted(() => status(200));
    expect(await there.registry.putBlob(blob)).toBe('there');
    expect(there.seen).toHaveLength(1);
  });

  it('mounts a blob that another repository of the host has', async () => {
    const { registry, seen } = scripted(({ method }) => (method === 'HEAD' ? status(404) : status(201)));
    expect(await registry.putBlob(blob, 'project/images/base')).toBe('mounted');
    expect(seen[1]?.url).toContain(`?mount=${blob.descriptor.digest}&from=project%2Fimages%2Fbase`);
  });

  it('sends nothing to a host that an upload is sent on to', async () => {
    const { registry, seen } = scripted(({ method }) =>
      method === 'HEAD' ? status(404) : status(202, { location: 'https://evil.example/upload' }),
    );
    await expect(registry.putBlob(blob)).rejects.toThrow('sent an upload on to https://evil.example');
    expect(seen).toHaveLength(2);
  });

  it('refuses bytes that are not those of the digest', async () => {
    const { registry } = scripted(() => new Response('other'));
    await expect(registry.blob(blob.descriptor.digest)).rejects.toThrow(
      `was asked for ${blob.descriptor.digest} and sent bytes whose digest is ${digestOf('other')}`,
    );
  });
});

describe('credentials', () => {
  it("are given to Google's registries only", async () => {
    const token = googleToken({ GOOGLE_OAUTH_ACCESS_TOKEN: 'ya29.x' });
    expect(await token('europe-west1-docker.pkg.dev')).toBe('ya29.x');
    for (const host of ['pkg.dev.evil.example', 'evilpkg.dev', '127.0.0.1:5000', 'registry.example'])
      expect(await token(host)).toBeNull();
  });
});
