import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type BaseLock, baseOf, parseBaseLock } from '../../../infra/images/base-lock.ts';
import { lockText, refreshedLock } from '../../../infra/images/lock.ts';
import { cloneRoot, lockPath } from '../../../infra/images/paths.ts';
import { Registry } from '../../../infra/images/registry.ts';
import { madeUpBase } from './made-up-base.ts';

const flipped = (text: string, at: number) => {
  const bytes = Buffer.from(text);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes.toString('latin1');
};

describe('the base lock', () => {
  it('gives both architectures from verified documents', () => {
    const base = baseOf(madeUpBase());
    expect(base?.platforms.map(({ architecture, layers }) => [architecture, layers.length])).toEqual([
      ['amd64', 1],
      ['arm64', 1],
    ]);
  });

  it('without documents says that nothing is known', () => {
    expect(baseOf({ ...madeUpBase(), documents: {} })).toBeNull();
  });

  it('refuses a flipped byte in any document, and names it', () => {
    const lock = madeUpBase();
    for (const [digest, text] of Object.entries(lock.documents))
      for (const at of [0, Math.floor(text.length / 2), text.length - 1])
        expect(() => baseOf({ ...lock, documents: { ...lock.documents, [digest]: flipped(text, at) } })).toThrow(
          new RegExp(`document ${digest} has the digest sha256:[0-9a-f]{64}: its bytes were changed`),
        );
  });

  it('refuses a lock that misses any one document', () => {
    const lock = madeUpBase();
    for (const digest of Object.keys(lock.documents)) {
      const { [digest]: _, ...rest } = lock.documents;
      expect(() => baseOf({ ...lock, documents: rest })).toThrow(`document ${digest} is missing`);
    }
  });

  it.each([
    ['{', 'is not JSON'],
    ['{}', 'reference'],
    [JSON.stringify({ ...madeUpBase(), architectures: ['s390x'] }), 'architectures.0'],
    [JSON.stringify({ ...madeUpBase(), documents: { latest: '' } }), 'documents.latest'],
    [JSON.stringify({ ...madeUpBase(), other: 1 }), 'other'],
  ])('refuses the file %#, naming what is wrong', (text, word) => {
    expect(() => parseBaseLock(text)).toThrow(word);
  });

  it('refuses a base that is named by a tag', () => {
    expect(() => baseOf({ ...madeUpBase(), reference: 'gcr.io/distroless/nodejs24-debian12:latest' })).toThrow(
      'a tag can move',
    );
  });

  it('of this clone can be read', async () => {
    const lock = parseBaseLock(await readFile(lockPath(cloneRoot), 'utf8'));
    expect(lock.reference).toMatch(/^gcr\.io\/distroless\/nodejs24-debian12@sha256:/);
    baseOf(lock);
  });
});

describe('refreshing the lock', () => {
  const served = (lock: BaseLock, change: (digest: string, text: string) => string = (_, text) => text) =>
    new Registry({
      host: 'registry.example',
      path: 'base/node',
      token: async () => null,
      backoff: [],
      fetch: async (input) => {
        const digest = String(input).split('/').at(-1) as string;
        const text = lock.documents[digest];
        return text === undefined ? new Response('', { status: 404 }) : new Response(change(digest, text));
      },
    });

  it('reads every document and writes the same file again', async () => {
    const whole = madeUpBase();
    const fresh = await refreshedLock({ ...whole, documents: {} }, served(whole));
    expect(fresh.documents).toEqual(whole.documents);
    expect(parseBaseLock(lockText(fresh))).toEqual(fresh);
  });

  it('refuses a registry that sends other bytes than the digest names', async () => {
    const whole = madeUpBase();
    for (const wrong of Object.keys(whole.documents))
      await expect(
        refreshedLock(
          whole,
          served(whole, (digest, text) => (digest === wrong ? `${text} ` : text)),
        ),
      ).rejects.toThrow(`was asked for ${wrong} and sent bytes whose digest is`);
  });
});
