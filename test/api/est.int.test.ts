import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FactoryAuthority, MintedClaimCodes } from '../../runtime/contracts/http/enrolment.ts';
import { testAuthority } from '../support/certificates.ts';
import { freePort } from '../support/ports.ts';
import { startTestApi, type TestApi } from './harness.ts';

/** EST as its users have it: curl and openssl. */
const run = promisify(execFile);
let api: TestApi;
let dir: string;
let base: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'iot-test-est-'));
  const authority = await testAuthority('server authority');
  const server = await authority.server();
  await writeFile(join(dir, 'server.pem'), server.cert);
  await writeFile(join(dir, 'server.key'), server.key);
  await writeFile(join(dir, 'ca.pem'), authority.cert);
  const port = await freePort();
  base = `https://localhost:${port}/.well-known/est`;
  api = await startTestApi({ IOT_EST_PORT: String(port), IOT_EST_TLS_DIR: dir }, {}, 'real');
});
afterAll(async () => {
  await api?.stop();
  await rm(dir, { recursive: true, force: true });
});

const sh = async (script: string) => (await run('sh', ['-ec', script], { cwd: dir })).stdout;
const call = async (method: string, path: string, body?: unknown) => {
  const response = await fetch(`${api.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${await api.token()}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as never };
};
const mint = async (more: Record<string, unknown> = {}) =>
  ((await call('POST', '/v1/claim-codes', more)).body as MintedClaimCodes).items[0]?.code ?? '';
/** curl's status, headers and body; the client certificate is the one of `as`. */
const curl = async (path: string, ...args: string[]) => {
  const { stdout } = await run('curl', ['-sS', '--cacert', 'ca.pem', '-i', ...args, `${base}/${path}`], { cwd: dir });
  const [head = '', body = ''] = stdout.split(/\r\n\r\n([\s\S]*)/);
  return { status: Number(head.split(' ')[1]), head: head.toLowerCase(), body };
};
const request = (name: string, subject: string) =>
  sh(`openssl ecparam -genkey -name prime256v1 -noout -out ${name}.key
      openssl req -new -key ${name}.key -subj '${subject}' -outform DER | openssl base64 > ${name}.b64`);
const post = (name: string) => ['-H', 'content-type: application/pkcs10', '--data-binary', `@${name}.b64`];
const certificateOf = async (name: string, body: string) => {
  await writeFile(join(dir, `${name}.p7`), body);
  await sh(`openssl base64 -d -in ${name}.p7 | openssl pkcs7 -inform DER -print_certs -out ${name}.pem`);
  return await sh(`openssl x509 -in ${name}.pem -noout -subject -ext extendedKeyUsage`);
};

test('cacerts gives the CAs as certs-only PKCS #7, csrattrs what a request should look like', async () => {
  const cacerts = await curl('cacerts');
  expect([cacerts.status, cacerts.head]).toEqual([200, expect.stringContaining('application/pkcs7-mime')]);
  await writeFile(join(dir, 'cacerts.p7'), cacerts.body);
  const named = await sh('openssl base64 -d -in cacerts.p7 | openssl pkcs7 -inform DER -print_certs -noout');
  expect(named).toContain('IoT platform devices CA');
  expect(named).toContain('IoT platform root');
  const attributes = await curl('csrattrs');
  expect([attributes.status, attributes.head]).toEqual([200, expect.stringContaining('application/csrattrs')]);
  await writeFile(join(dir, 'csrattrs.b64'), attributes.body);
  expect(await sh('openssl base64 -d -in csrattrs.b64 | openssl asn1parse -inform DER')).toMatch(
    /id-ecPublicKey[\s\S]*prime256v1[\s\S]*ecdsa-with-SHA256/,
  );
});

test('simpleenroll by claim code, then simplereenroll by the certificate, with curl and openssl alone', async () => {
  const code = await mint({ prefix: 'est-' });
  await request('first', '/CN=est-1');
  const enrolled = await curl('simpleenroll', '-u', `est-1:${code}`, ...post('first'));
  expect(enrolled.status, enrolled.body).toBe(200);
  expect(enrolled.head).toContain('application/pkcs7-mime; smime-type=certs-only');
  expect(await certificateOf('first', enrolled.body)).toMatch(/CN = est-1[\s\S]*TLS Web Client Authentication/);

  await request('second', '/O=main/CN=est-1');
  const own = ['--cert', 'first.pem', '--key', 'first.key'];
  const renewed = await curl('simplereenroll', ...own, ...post('second'));
  expect(renewed.status, renewed.body).toBe(200);
  expect(await certificateOf('second', renewed.body)).toContain('CN = est-1');
  const listed = (await call('GET', '/v1/devices/est-1/certificates')).body as { items: { serial: string }[] };
  expect(listed.items).toHaveLength(2);

  // The same code and key once more, as after a power cut: the same certificate.
  const again = await curl('simpleenroll', '-u', `x:${code}`, ...post('first'));
  expect(again.body).toBe(enrolled.body);

  // A request for another name, and a revoked certificate.
  await request('foreign', '/CN=est-2');
  expect(await curl('simplereenroll', ...own, ...post('foreign'))).toMatchObject({
    status: 400,
    body: expect.stringMatching(/CN must be the device id 'est-1'/),
  });
  const first = listed.items.at(-1)?.serial;
  await call('POST', `/v1/devices/est-1/certificates/${first}/revoke`, {});
  expect(await curl('simplereenroll', ...own, ...post('second'))).toMatchObject({ status: 403 });
  await call('POST', '/v1/devices/est-1/block', {});
  const blocked = await curl('simplereenroll', '--cert', 'second.pem', '--key', 'second.key', ...post('second'));
  expect(blocked).toMatchObject({ status: 403, body: expect.stringContaining('blocked') });
});

describe('refused', () => {
  test.each([
    ['simpleenroll without any proof', 'simpleenroll', [], 401, /claim code as password/],
    ['simpleenroll with a word as code', 'simpleenroll', ['-u', 'a:secret'], 401, /no claim code/],
    ['simpleenroll with an unknown code', 'simpleenroll', ['-u', 'a:00000-00000-00000-00000'], 401, /not known/],
    ['simplereenroll without a certificate', 'simplereenroll', [], 401, /TLS client certificate/],
    ['simplereenroll with a claim code', 'simplereenroll', ['-u', 'a:00000-00000-00000-00000'], 401, /TLS client cert/],
    ['another path', 'serverkeygen', [], 404, /EST is here/],
  ])('%s', async (_, path, args, status, words) => {
    if (!existsSync(join(dir, 'plain.b64'))) await request('plain', '/CN=plain-1');
    const answer = await curl(path, ...args, ...post('plain'));
    expect(answer).toMatchObject({ status, body: expect.stringMatching(words) });
    expect(answer.head).toContain('content-type: text/plain');
    if (status === 401) expect(answer.head).toContain('www-authenticate: basic realm="est');
  });

  test('a body that is no request is a 400, one too large a 413', async () => {
    const code = await mint();
    const bad = await curl(
      'simpleenroll',
      '-u',
      `a:${code}`,
      '-H',
      'content-type: application/pkcs10',
      '-d',
      'nonsense',
    );
    expect(bad).toMatchObject({ status: 400, body: expect.stringContaining('base64') });
    await writeFile(join(dir, 'large.b64'), 'A'.repeat(20_000));
    expect((await curl('simpleenroll', '-u', `a:${code}`, ...post('large'))).status).toBe(413);
  });

  test("a certificate that nobody here signed, whatever it says, and one that is not its sender's", async () => {
    const foreign = await (await testAuthority('IoT platform devices CA')).device('est-1');
    await writeFile(join(dir, 'strange.pem'), foreign.cert);
    await writeFile(join(dir, 'strange.key'), foreign.key);
    await request('strange-request', '/CN=est-1');
    const with_ = ['--cert', 'strange.pem', '--key', 'strange.key', ...post('strange-request')];
    for (const path of ['simplereenroll', 'simpleenroll'])
      expect(await curl(path, ...with_)).toMatchObject({
        status: 401,
        body: expect.stringContaining('no CA that is trusted'),
      });
  });
});

describe("a maker's CA", () => {
  test('lets its devices enrol by their factory certificates, once the tenant proved that the CA is its own', async () => {
    await sh(`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout maker.key -out maker.pem \\
      -subj '/CN=Maker' -days 30 -addext keyUsage=critical,keyCertSign`);
    const certificate = await readFile(join(dir, 'maker.pem'), 'utf8');
    const made = await call('POST', '/v1/factory-authorities', {
      name: 'Maker',
      certificate,
      devicePrefix: 'mk-',
      tags: ['made'],
    });
    expect(made.status).toBe(201);
    const { id, challenge, status } = made.body as FactoryAuthority;
    expect(status).toBe('pending');
    const sign = (name: string, subject: string) =>
      sh(`openssl ecparam -genkey -name prime256v1 -noout -out ${name}.key
          openssl req -new -key ${name}.key -subj '${subject}' -out ${name}.csr
          openssl x509 -req -in ${name}.csr -CA maker.pem -CAkey maker.key -days 7 -out ${name}.pem 2>/dev/null`);
    await sign('mk', '/CN=mk-1');
    await request('mk-new', '/CN=mk-1');
    const with_ = ['--cert', 'mk.pem', '--key', 'mk.key', ...post('mk-new')];
    expect((await curl('simpleenroll', ...with_)).status).toBe(401);
    const path = `/v1/factory-authorities/${id}`;
    expect((await call('POST', `${path}/activate`, {})).status).toBe(422);
    await sign('wrong', '/CN=something-else');
    const wrong = await readFile(join(dir, 'wrong.pem'), 'utf8');
    expect((await call('POST', `${path}/activate`, { proof: wrong })).status).toBe(422);
    await sign('proof', `/CN=${challenge}`);
    const proof = await readFile(join(dir, 'proof.pem'), 'utf8');
    expect((await call('POST', `${path}/activate`, { proof })).body).toMatchObject({
      status: 'active',
      challenge: null,
    });

    const enrolled = await curl('simpleenroll', ...with_);
    expect(enrolled.status, enrolled.body).toBe(200);
    expect(await certificateOf('mk-new', enrolled.body)).toMatch(/O = main, CN = mk-1/);
    expect((await call('GET', '/v1/devices/mk-1')).body).toMatchObject({ tags: ['made'], status: 'active' });
    expect((await curl('simplereenroll', ...with_)).status).toBe(401);
    // Outside of its prefix, or over a device that exists: refused.
    await sign('outside', '/CN=other-1');
    await request('outside-new', '/CN=other-1');
    const outside = await curl('simpleenroll', '--cert', 'outside.pem', '--key', 'outside.key', ...post('outside-new'));
    expect(outside).toMatchObject({ status: 401, body: expect.stringContaining("begins with 'mk-'") });
    await call('POST', '/v1/devices', { id: 'mk-2' });
    await sign('taken', '/CN=mk-2');
    await request('taken-new', '/CN=mk-2');
    const taken = await curl('simpleenroll', '--cert', 'taken.pem', '--key', 'taken.key', ...post('taken-new'));
    expect(taken).toMatchObject({ status: 403, body: expect.stringContaining('registered already') });

    await call('POST', `${path}/disable`, { reason: 'sold' });
    await sign('late', '/CN=mk-3');
    await request('late-new', '/CN=mk-3');
    expect((await curl('simpleenroll', '--cert', 'late.pem', '--key', 'late.key', ...post('late-new'))).status).toBe(
      401,
    );
  });

  test.each([
    ['no CA', '-addext basicConstraints=critical,CA:FALSE', /CA:TRUE/],
    ['a CA without keyCertSign', '-addext keyUsage=critical,digitalSignature', /keyCertSign/],
    [
      'a CA for servers only',
      '-addext keyUsage=critical,keyCertSign -addext extendedKeyUsage=serverAuth',
      /client auth/,
    ],
  ])('that is %s is refused', async (_, extensions, words) => {
    await sh(`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout bad.key -out bad.pem \\
      -subj '/CN=Bad' -days 30 ${extensions}`);
    const certificate = await readFile(join(dir, 'bad.pem'), 'utf8');
    const answer = await call('POST', '/v1/factory-authorities', { name: 'Bad', certificate });
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([422, expect.stringMatching(words)]);
  });
});
