import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deviceIdPattern, tenantIdPattern } from '../../../runtime/contracts/identifiers.ts';
import { redactedUrl, toCacheError } from '../../../runtime/platform/cache/errors.ts';
import {
  configChannel,
  gatewayKey,
  identityChangedChannel,
  liveChannel,
  parsePresenceMember,
  presenceIndexKey,
  presenceKey,
  presenceMember,
  rateKey,
  stateEpochKey,
  stateKey,
} from '../../../runtime/platform/cache/keys.ts';
import { resolveCacheSettings, retryDelayMs } from '../../../runtime/platform/cache/settings.ts';

describe('keys', () => {
  test('are these', () => {
    expect([
      stateKey('main', 'dev-1'),
      presenceKey('main', 'dev-1'),
      presenceIndexKey('gateway-0'),
      gatewayKey('gateway-0'),
      rateKey('address', '::1'),
      liveChannel('main'),
      configChannel('gateway-0'),
      identityChangedChannel(),
      stateEpochKey(),
    ]).toEqual([
      'state:main:dev-1',
      'presence:main:dev-1',
      'presence-of:gateway-0',
      'gateway:gateway-0',
      'rate:address:%3a%3a1',
      'live:main',
      'config:gateway-0',
      'identity-changed',
      'state-epoch',
    ]);
  });

  test.each(['a:b:c', '', 'ab', '*', 'a b', 'a\nb', `a${'x'.repeat(255)}`, '{tag}', 'ü1x'])(
    'no key for the device %j',
    (id) => {
      expect(() => stateKey('main', id)).toThrow('device is');
      expect(() => presenceKey('main', id)).toThrow('device is');
      expect(() => presenceMember('main', id)).toThrow('device is');
    },
  );

  test.each(['a:b', '', 'A', '*'])('no key for the tenant or gateway %j', (id) => {
    expect(() => stateKey(id, 'dev')).toThrow('tenant is');
    expect(() => liveChannel(id)).toThrow('tenant is');
    if (id !== 'A') expect(() => gatewayKey(id)).toThrow('gateway is');
  });

  test('two devices never share a key, and a member says whose it is', () => {
    const tenant = fc.stringMatching(tenantIdPattern);
    const device = fc.stringMatching(deviceIdPattern);
    fc.assert(
      fc.property(tenant, device, tenant, device, (t1, d1, t2, d2) => {
        expect(stateKey(t1, d1) === stateKey(t2, d2)).toBe(t1 === t2 && d1 === d2);
        expect(parsePresenceMember(presenceMember(t1, d1))).toEqual({ tenant: t1, device: d1 });
      }),
    );
    expect(parsePresenceMember('main:dev-1:more')).toBeNull();
    expect(parsePresenceMember('nothing')).toBeNull();
  });

  test('a rate key takes any text, stays short, and differs when the text does', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 100, maxLength: 300 }), fc.ipV6());
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(rateKey('client', a)).toMatch(/^rate:client:[A-Za-z0-9._~@+%-]{1,128}$/);
        expect(rateKey('client', a) === rateKey('client', b)).toBe(Buffer.from(a).equals(Buffer.from(b)));
      }),
    );
  });
});

describe('settings', () => {
  test('have defaults, and a url is taken apart and decoded', () => {
    expect(resolveCacheSettings({ url: 'rediss://me:p%40ss@[::1]:7000/0' })).toMatchObject({
      host: '::1',
      port: 7000,
      username: 'me',
      password: 'p@ss',
      commandTimeoutMs: 250,
      prefix: '',
    });
  });

  test.each([
    [{ url: 'http://secret@x' }, 'allowed is redis://'],
    [{ url: 'nonsense' }, 'allowed is redis://'],
    [{ url: 'redis://h/3' }, "database '/3'"],
    [{ url: 'redis://h', prefix: 'a' }, "prefix is 'a'"],
    [{ url: 'redis://h', prefix: '*:' }, "prefix is '*:'"],
    [{ url: 'redis://:secret@h', token: async () => ({ token: '', expiresAt: 0 }) }, 'use one'],
  ])('refuse %j', (settings, message) => {
    expect(() => resolveCacheSettings(settings)).toThrow(message);
    expect(() => resolveCacheSettings(settings)).not.toThrow('secret');
  });

  test('the back-off is fully jittered and bounded', () => {
    const bounds = { first: 50, longest: 2_000 };
    expect([1, 2, 5, 6, 7, 1_000].map((attempt) => retryDelayMs(attempt, bounds, () => 1))).toEqual([
      50, 100, 800, 1_600, 2_000, 2_000,
    ]);
    expect(retryDelayMs(9, bounds, () => 0)).toBe(0);
  });
});

test('errors keep the code and lose what ioredis puts on them', () => {
  const reply = Object.assign(new Error('WRONGTYPE x'), { name: 'ReplyError', command: { args: ['secret'] } });
  expect(toCacheError(reply)).toMatchObject({ code: 'refused', message: 'Redis refused: WRONGTYPE x' });
  expect(JSON.stringify(toCacheError(reply))).not.toContain('secret');
  expect(toCacheError(new Error('Command timed out')).code).toBe('timeout');
  expect(toCacheError(new Error('Connection is closed.')).code).toBe('away');
  expect(redactedUrl('redis://user:secret@h:1/0')).toBe('redis://h:1');
});
