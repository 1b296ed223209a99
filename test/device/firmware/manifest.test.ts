import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FirmwareRefused, readManifest } from '../../../runtime/device/firmware/manifest.ts';
import { signManifest } from '../../../runtime/devices/firmware/signing.ts';
import { imageOf, manifestOf, privateKey, release, signer, trust } from './harness.ts';

const image = imageOf('a', 100);
const codeOf = (signed: string, by = trust) => {
  try {
    readManifest(signed, by);
    return 'taken';
  } catch (error) {
    if (error instanceof FirmwareRefused) return error.code;
    throw error;
  }
};

test('what was signed is read as it was signed', async () => {
  expect(readManifest(await release(image, 7), trust)).toEqual(manifestOf(image, 7));
});

test('any single character changed, anywhere, is refused', async () => {
  const signed = await release(image, 7);
  const other = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.+/ \n');
  fc.assert(
    fc.property(fc.nat(signed.length - 1), other, (at, char) => {
      fc.pre(signed[at] !== char);
      return codeOf(`${signed.slice(0, at)}${char}${signed.slice(at + 1)}`) !== 'taken';
    }),
    { numRuns: 1_500 },
  );
});

test('any single bit of header, manifest or signature flipped is refused', async () => {
  const signed = await release(image, 7);
  const parts = signed.split('.').map((part) => Buffer.from(part, 'base64url'));
  for (const [which, bytes] of parts.entries())
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      const text = parts.map((part, n) => (n === which ? flipped : part).toString('base64url')).join('.');
      expect([which, bit, codeOf(text)]).not.toEqual([which, bit, 'taken']);
    }
});

describe('refused, each for its reason', () => {
  const claims = manifestOf(image, 7);
  const raw = (header: unknown, body: string, key = signer) => {
    const said = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${Buffer.from(body).toString('base64url')}`;
    return key.sign(Buffer.from(said)).then((signature) => `${said}.${signature.toString('base64url')}`);
  };
  const header = { alg: 'ES256', kid: 'release-1', typ: 'iot-firmware' };
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const strangers = {
    kid: 'release-1',
    sign: async (bytes: Buffer) => sign('sha256', bytes, { key: stranger.privateKey, dsaEncoding: 'ieee-p1363' }),
  };
  test.each([
    ['an unknown key', () => signManifest(claims, { ...signer, kid: 'release-2' }), 'key'],
    ["a stranger's signature under our key's name", () => signManifest(claims, strangers), 'signature'],
    [
      'no algorithm',
      async () => `${Buffer.from(JSON.stringify({ ...header, alg: 'none' })).toString('base64url')}.e30.`,
      'malformed',
    ],
    ['another token of the same key', () => raw({ ...header, typ: 'JWT' }, JSON.stringify(claims)), 'malformed'],
    ['a header with more in it', () => raw({ ...header, jwk: {} }, JSON.stringify(claims)), 'malformed'],
    ['other hardware', () => release(image, 7, { hardware: ['board-9'] }), 'hardware'],
    ['fields that a manifest has not', () => raw(header, JSON.stringify({ ...claims, run: 'rm' })), 'malformed'],
    ['no JSON, well signed', () => raw(header, 'release 7'), 'malformed'],
    [
      'a signature in DER',
      async () => {
        const [h, m] = (await release(image, 7)).split('.');
        const der = sign('sha256', Buffer.from(`${h}.${m}`), privateKey);
        return `${h}.${m}.${der.toString('base64url')}`;
      },
      'signature',
    ],
    ['an endless text', async () => `${'A'.repeat(20_000)}.e30.e30`, 'malformed'],
    ['nothing', async () => '', 'malformed'],
  ] satisfies [string, () => Promise<string>, string][])('%s', async (_, make, code) => {
    expect(codeOf(await make())).toBe(code);
  });
});
