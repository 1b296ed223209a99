import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newClaimCode, plainClaimCode } from '../../../runtime/contracts/claim-code.ts';
import { deviceIdPattern } from '../../../runtime/contracts/identifiers.ts';
import { claimKey } from '../../../runtime/devices/enrolment/claim-key.ts';
import { deviceOf } from '../../../runtime/devices/enrolment/device-request.ts';

const bytes = fc.uint8Array({ minLength: 20, maxLength: 20 });

describe('a claim code', () => {
  it('is what its bytes say, however it is typed', () => {
    fc.assert(
      fc.property(bytes, fc.boolean(), fc.boolean(), (random, lower, spaced) => {
        const code = newClaimCode(random);
        expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}$/);
        const plain = plainClaimCode(code);
        expect(plain).toBe(code.replaceAll('-', ''));
        let typed = lower ? code.toLowerCase() : code;
        if (spaced) typed = typed.replaceAll('-', ' ');
        expect(plainClaimCode(typed)).toBe(plain);
        expect(plainClaimCode(code.replaceAll('0', 'O').replaceAll('1', 'l'))).toBe(plain);
      }),
    );
  });

  it.each([
    '',
    '7T4NQ',
    '7T4NQ-0XWZR-5M2KD-8HJ3',
    '7T4NQ-0XWZR-5M2KD-8HJ3VV',
    '7T4NQ-0XWZR-5M2KD-8HJ3U',
    'x'.repeat(65),
  ])('%j is none', (text) => expect(plainClaimCode(text)).toBeUndefined());

  it('has another hash under another key', () => {
    const [a, b] = [claimKey(Buffer.alloc(32, 1)), claimKey(Buffer.alloc(32, 2))];
    expect(a.hash('X')).toEqual(a.hash('X'));
    expect(a.hash('X')).not.toEqual(b.hash('X'));
  });
});

describe('the device that a code stands for', () => {
  const rule = { id: '0123456789abcdef', type: 'pump', device: null, prefix: null };
  it.each([
    [{ ...rule, device: 'pump-1' }, undefined, { device: 'pump-1', existing: true }],
    [{ ...rule, device: 'pump-1' }, 'pump-1', { device: 'pump-1', existing: true }],
    [{ ...rule, device: 'pump-1' }, 'pump-2', { refused: expect.stringContaining('another device') }],
    [{ ...rule, prefix: 'site-a.' }, 'site-a.7', { device: 'site-a.7', existing: false }],
    [{ ...rule, prefix: 'site-a.' }, 'site-b.7', { refused: expect.stringContaining("begins with 'site-a.'") }],
    [{ ...rule, prefix: 'site-a.' }, undefined, { device: 'site-a.0123456789ab', existing: false }],
    [rule, 'anything', { device: 'anything', existing: false }],
    [rule, undefined, { device: 'pump-0123456789ab', existing: false }],
    [rule, '1/x', { refused: expect.stringContaining('no device id') }],
  ])('%j, asked for %s', (given, wanted, decided) => expect(deviceOf(given, wanted)).toEqual(decided));

  it('is never one that exists unless the code names it, and always has an id', () => {
    const text = fc.option(fc.stringMatching(/^[A-Za-z][A-Za-z0-9.-]{2,20}$/), { nil: undefined });
    fc.assert(
      fc.property(text, text, text, (device, prefix, wanted) => {
        const decided = deviceOf({ ...rule, device: device ?? null, prefix: prefix ?? null }, wanted);
        if ('refused' in decided) return;
        expect(decided.device).toMatch(deviceIdPattern);
        expect(decided.existing).toBe(device !== undefined);
        if (device === undefined && prefix !== undefined) expect(decided.device.startsWith(prefix)).toBe(true);
      }),
    );
  });
});
