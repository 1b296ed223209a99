import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tarOf } from '../../../infra/images/tar.ts';

const listed = (archive: Buffer) =>
  execFileSync('tar', ['--full-time', '--numeric-owner', '-tvf', '-'], {
    input: archive,
    env: { ...process.env, TZ: 'UTC' },
  })
    .toString()
    .trim()
    .split('\n');

describe('the layer archive', () => {
  it('is read by tar: folders first, owned by root, readable by all, writable by none, of 1970', () => {
    const archive = tarOf(
      new Map([
        ['app/b/c.txt', Buffer.from('text')],
        ['app/a.mjs', Buffer.alloc(1_025, 1)],
      ]),
    );
    expect(listed(archive)).toEqual([
      'dr-xr-xr-x 0/0               0 1970-01-01 00:00:00 app/',
      '-r--r--r-- 0/0            1025 1970-01-01 00:00:00 app/a.mjs',
      'dr-xr-xr-x 0/0               0 1970-01-01 00:00:00 app/b/',
      '-r--r--r-- 0/0               4 1970-01-01 00:00:00 app/b/c.txt',
    ]);
    expect(archive.length % 512).toBe(0);
  });

  it('does not depend on the order of its files', () => {
    const path = fc.array(
      fc.stringMatching(/^[a-z0-9._-]{1,12}$/).filter((part) => !/^\.+$/.test(part)),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(path, fc.uint8Array({ maxLength: 600 })), { maxLength: 8 }), (files) => {
        const named = files.map(([parts, bytes], n) => [`${n}/${parts.join('/')}`, bytes] as const);
        expect(tarOf(new Map(named)).equals(tarOf(new Map([...named].reverse())))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('keeps a path of up to 255 characters, and gives back its bytes', () => {
    const long = `${'folder/'.repeat(20)}${'x'.repeat(90)}`;
    const archive = tarOf(new Map([[long, Buffer.from('deep')]]));
    expect(execFileSync('tar', ['-xOf', '-', long], { input: archive }).toString()).toBe('deep');
  });

  it.each([
    ['/absolute', 'allowed is a relative path'],
    ['a/../b', "without '..'"],
    ['ä', 'ASCII'],
    ['x'.repeat(101), 'too long'],
    [`${'y'.repeat(160)}/${'x'.repeat(99)}`, 'too long'],
  ])('refuses the path %s', (path, words) => {
    expect(() => tarOf(new Map([[path, Buffer.alloc(0)]]))).toThrow(words);
  });
});
