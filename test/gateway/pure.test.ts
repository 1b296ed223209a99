import fc from 'fast-check';
import mqtt from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import type { IdentityChange } from '../../runtime/contracts/http/index.ts';
import { type AdmissionState, decide } from '../../runtime/gateway/admission.ts';
import { deviceOfClientId } from '../../runtime/gateway/client-identity.ts';
import { grantedQos, matches } from '../../runtime/gateway/delivery.ts';
import { closeNow } from '../../runtime/gateway/drain.ts';
import { maxPayloadBytes, newFrame, scan } from '../../runtime/gateway/frame-guard.ts';
import { holdBudgetMs, holdCapMs, idleLimitMs } from '../../runtime/gateway/hold-budget.ts';
import { isLogged, newMessageId } from '../../runtime/gateway/message-ids.ts';
import { Penalties } from '../../runtime/gateway/penalties.ts';
import { applyChanges, fromSnapshot, noRevocations, refusal, toSnapshot } from '../../runtime/gateway/revocations.ts';
import { overdue, packetTimeMs } from '../../runtime/gateway/sweep.ts';
import { TokenBucket } from '../../runtime/gateway/token-bucket.ts';
import { type CertificateFields, identify, plainSerial } from '../../runtime/platform/tls/device-certificate.ts';

describe('hold budget', () => {
  test.each([
    [0, holdCapMs],
    [1, 500],
    [2, 1_000],
    [10, 5_000],
    [20, holdCapMs],
    [1_200, holdCapMs],
  ])('keepalive %d s: %d ms', (keepalive, budget) => expect(holdBudgetMs(keepalive)).toBe(budget));

  test('half a keepalive, so that the device can still come back in time; never above the cap', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_535 }), (keepalive) => {
        const budget = holdBudgetMs(keepalive);
        return budget <= keepalive * 500 && budget <= holdCapMs && budget > 0;
      }),
    );
  });

  test.each([
    [60, 1_200, 90_000],
    [0, 1_200, 1_800_000],
    [3_600, 1_200, 1_800_000],
  ])('keepalive %d s of at most %d s: silent for at most %d ms', (keepalive, most, limit) =>
    expect(idleLimitMs(keepalive, most)).toBe(limit),
  );
});

describe('token bucket', () => {
  test('over any time it grants at most the burst and the rate, and a debt is paid before it is clear', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 30 })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), steps, (perSecond, events) => {
        const bucket = new TokenBucket(perSecond, 0);
        let now = 0;
        let spent = 0;
        for (const [wait, count] of events) {
          now += wait;
          if (!bucket.clear(now)) continue;
          // What was let through before this moment never exceeds burst and rate.
          expect(spent).toBeLessThan(perSecond * 2 + (perSecond * now) / 1_000 + 1e-6);
          bucket.spend(now, count);
          spent += count;
        }
      }),
    );
  });

  test('a clock set back neither gives nor takes', () => {
    const bucket = new TokenBucket(10, 1_000);
    bucket.spend(1_000, 20);
    expect(bucket.clear(500)).toBe(false);
    expect(bucket.take(1_000)).toBe(false);
    expect(bucket.take(1_100)).toBe(true);
  });
});

describe('penalties', () => {
  test('doubling up to a minute, forgotten after five quiet minutes', () => {
    const penalties = new Penalties(() => 1);
    const waits = Array.from({ length: 9 }, (_, i) => penalties.strike('main/a', i));
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(penalties.waitMs('main/a', 8)).toBe(60_000);
    expect(penalties.waitMs('main/b', 8)).toBe(0);
    expect(penalties.strike('main/a', 60_008 + 300_000)).toBe(1_000);
  });

  test('a deferral does not count as a strike and never shortens a wait', () => {
    const penalties = new Penalties(() => 0.1);
    penalties.strike('main/a', 0);
    const before = penalties.waitMs('main/a', 0);
    penalties.defer('main/a', 0, 1);
    expect(penalties.waitMs('main/a', 0)).toBe(before);
    penalties.defer('main/b', 0);
    expect(penalties.waitMs('main/b', 0)).toBe(1_000);
  });

  test('bounded', () => {
    const penalties = new Penalties(() => 1, 100);
    for (let i = 0; i < 1_000; i++) penalties.strike(`main/${i}`, 0);
    expect(penalties.size).toBe(100);
    expect(penalties.waitMs('main/999', 0)).toBeGreaterThan(0);
  });
});

describe('frame guard', () => {
  const connect = mqtt.generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId: 'a-1',
  });
  const publish = (bytes: number) =>
    mqtt.generate({
      cmd: 'publish',
      topic: '/devices/a-1/events',
      payload: Buffer.alloc(bytes),
      qos: 1,
      messageId: 1,
      dup: false,
      retain: false,
    });
  const ping = mqtt.generate({ cmd: 'pingreq' });

  test('any split of a valid stream passes, and counts its packets', () => {
    const stream = Buffer.concat([connect, publish(10), ping, publish(300), publish(20_000), ping]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: stream.length - 1 })), (cuts) => {
        const frame = newFrame();
        const at = [0, ...[...new Set(cuts)].sort((a, b) => a - b), stream.length];
        for (let i = 1; i < at.length; i++) expect(scan(frame, stream.subarray(at[i - 1], at[i]), 1)).toBeUndefined();
        expect(frame).toMatchObject({ packets: 6, remaining: 0, header: 0, unfinishedSince: 0 });
      }),
    );
  });

  test.each([
    ['PUBLISH before CONNECT', [publish(1)], /first packet/],
    ['PUBLISH of 256 MB, header only', [connect, Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f])], /allowed are/],
    ['a payload one byte too long', [connect, publish(maxPayloadBytes + 600)], /allowed are/],
    ['CONNECT of 1 MB', [Buffer.from([0x10, 0x80, 0x80, 0x40])], /allowed are/],
    ['a length of five bytes', [connect, Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80])], /more than 4 bytes/],
    ['CONNACK', [connect, Buffer.from([0x20, 2, 0, 0])], /not one a device sends/],
    ['type 0', [connect, Buffer.from([0x00, 0])], /not one a device sends/],
    ['type 15', [connect, Buffer.from([0xf0, 0])], /not one a device sends/],
  ])('%s is refused', (_, chunks, why) => {
    const frame = newFrame();
    expect(chunks.map((chunk) => scan(frame, chunk, 1)).find((p) => p !== undefined)).toMatch(why);
  });

  test('remembers since when a packet is unfinished', () => {
    const frame = newFrame();
    const bytes = publish(100);
    scan(frame, connect, 5);
    scan(frame, bytes.subarray(0, 1), 10);
    scan(frame, bytes.subarray(1, 50), 20);
    expect(frame.unfinishedSince).toBe(10);
    scan(frame, bytes.subarray(50), 30);
    expect(frame.unfinishedSince).toBe(0);
  });
});

describe('sweep', () => {
  const session = { lastSeenAt: 1_000, idleLimitMs: 90_000, pausedSince: 0, held: 0, frame: newFrame(), endsAt: 0 };
  const unfinished = { ...newFrame(), unfinishedSince: 1_000 };
  test.each([
    ['in time', session, 91_000, undefined],
    ['silent', session, 91_001, 'keepalive'],
    ['silent, but not read for back-pressure', { ...session, pausedSince: 5 }, 999_999, undefined],
    ['silent, but its ack is held', { ...session, held: 1 }, 999_999, undefined],
    ['a packet that drips', { ...session, lastSeenAt: 61_000, frame: unfinished }, 1_001 + packetTimeMs, 'slow'],
    ['its token lasts', { ...session, endsAt: 2_001 }, 2_000, undefined],
    ['its token is over, whatever else', { ...session, endsAt: 2_000, pausedSince: 5, held: 1 }, 2_000, 'expired'],
    ['a packet that is just slow', { ...session, frame: unfinished }, 1_000 + packetTimeMs, undefined],
  ])('%s', (_, state, now, reason) => expect(overdue(state, now)?.reason).toBe(reason));
});

describe('subscriptions', () => {
  test.each([
    ['/devices/a/config', '/devices/a/config', true],
    ['/devices/a/+', '/devices/a/config', true],
    ['/devices/a/+', '/devices/a/commands/x', false],
    ['/devices/a/commands/#', '/devices/a/commands/x/y', true],
    ['/devices/a/commands/#', '/devices/a/commands', true],
    ['/devices/a/commands/#', '/devices/a/config', false],
    ['/devices/a/config/x', '/devices/a/config', false],
  ])('%s matches %s: %s', (filter, topic, expected) => expect(matches(filter, topic)).toBe(expected));

  test('the highest QoS of the filters that match', () => {
    const subscriptions = { '/devices/a/#': { qos: 0 }, '/devices/a/config': { qos: 1 } };
    expect(grantedQos(subscriptions, '/devices/a/config')).toBe(1);
    expect(grantedQos(subscriptions, '/devices/a/commands/x')).toBe(0);
    expect(grantedQos(subscriptions, '/devices/b/config')).toBe(-1);
  });
});

describe('revocations', () => {
  const change = (version: number, change: IdentityChange['change'], device = 'a', serial: string | null = null) => ({
    version,
    tenant: 'main',
    device,
    change,
    serial,
    at: 0,
  });

  test('blocked, unblocked, revoked; known versions change nothing', () => {
    const state = noRevocations();
    const endings = applyChanges(state, [change(1, 'blocked'), change(2, 'certificate-revoked', 'b', '00AB')]);
    expect(endings).toEqual([
      { device: 'main/a', serial: undefined },
      { device: 'main/b', serial: 'ab' },
    ]);
    expect(refusal(state, 'main/a', 'ff')).toMatch(/blocked/);
    expect(refusal(state, 'main/b', plainSerial('AB'))).toMatch(/revoked/);
    expect(refusal(state, 'main/b', 'ac')).toBeUndefined();
    expect(applyChanges(state, [change(3, 'unblocked')])).toEqual([]);
    expect(applyChanges(state, [change(1, 'blocked')])).toEqual([]);
    expect(refusal(state, 'main/a', 'ff')).toBeUndefined();
  });

  test('a snapshot at any point, and the changes since (some of them again), give the same state', () => {
    const kinds = fc.constantFrom<IdentityChange['change']>('blocked', 'unblocked', 'certificate-revoked');
    const entry = fc.tuple(kinds, fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2', '0f'));
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 30 }), fc.nat(30), fc.nat(30), (entries, cut, overlap) => {
        const all = entries.map(([kind, device, serial], i) => change(i + 1, kind, device, serial));
        const whole = noRevocations();
        applyChanges(whole, all);
        const first = noRevocations();
        applyChanges(first, all.slice(0, cut));
        const second = fromSnapshot(toSnapshot(first));
        applyChanges(second, all.slice(Math.max(0, cut - overlap)));
        expect(second).toEqual(whole);
      }),
    );
  });

  test.each(['', '{', '{"version":1}', '{"format":1,"version":-1,"blocked":[],"serials":[]}', '[]'])(
    'damaged snapshot %j is an error, not an empty list',
    (text) => expect(() => fromSnapshot(text)).toThrow(),
  );
});

describe('admission', () => {
  const identity = { tenant: 'main', device: 'sensor-1', serial: 'ab' };
  const open: AdmissionState = {
    draining: false,
    refusal: () => undefined,
    identitiesReady: true,
    penalties: new Penalties(() => 1),
    now: 0,
  };
  const punished = new Penalties(() => 1);
  punished.strike('main/sensor-1', 0);
  test.each([
    ['fine', 'sensor-1', open, undefined],
    ['another id', 'sensor-2', open, 'client-id'],
    ['draining', 'sensor-1', { ...open, draining: true }, 'draining'],
    ['identities unknown', 'sensor-1', { ...open, identitiesReady: false }, 'not-ready'],
    ['blocked', 'sensor-1', { ...open, refusal: () => 'blocked' }, 'revoked'],
    ['waiting', 'sensor-1', { ...open, penalties: punished }, 'penalty'],
  ])('%s', (_, clientId, state, label) => expect(decide(identity, clientId, state)?.label).toBe(label));

  test.each([
    ['sensor-1', 'sensor-1'],
    ['projects/p/locations/l/registries/r/devices/sensor-1', 'sensor-1'],
    ['projects/p/locations/l/registries/r/devices/', 'projects/p/locations/l/registries/r/devices/'],
    ['x'.repeat(2_000), ''],
  ])('client id %#', (clientId, device) => expect(deviceOfClientId(clientId)).toBe(device));

  const certificate: CertificateFields = {
    subject: 'CN=sensor-1\nO=main',
    ca: false,
    keyUsage: ['1.3.6.1.5.5.7.3.2'],
    validFromDate: new Date('2026-11-22T10:00:00Z'),
    validToDate: new Date('2026-11-23T10:00:00Z'),
    serialNumber: '00AB',
  };
  const now = Date.UTC(2026, 10, 22, 12);
  test.each<[string, CertificateFields | undefined, RegExp]>([
    ['none', undefined, /no client certificate/],
    ['two CNs', { ...certificate, subject: 'CN=sensor-1\nCN=sensor-2\nO=main' }, /one CN/],
    ['a CN inside an escaped value', { ...certificate, subject: 'O=main\nOU=x\\0ACN=sensor-1' }, /one CN/],
    ['no tenant', { ...certificate, subject: 'CN=sensor-1' }, /one O/],
    ['an authority', { ...certificate, ca: true }, /authority/],
    ['no usage', { ...certificate, keyUsage: undefined }, /client authentication/],
    ['not yet valid', { ...certificate, validFromDate: new Date(now + 1) }, /valid from/],
    ['expired, as a resumed session may be', { ...certificate, validToDate: new Date(now) }, /expired/],
  ])('certificate refused: %s', (_, given, why) =>
    expect(identify(given, now)).toEqual({ refused: expect.stringMatching(why) }),
  );
  test('certificate taken', () =>
    expect(identify(certificate, now)).toEqual({ tenant: 'main', device: 'sensor-1', serial: 'ab' }));
});

test('drain closes evenly: all within the time, none before their turn', () => {
  let left = 1_000;
  const perStep: number[] = [];
  for (let remaining = 10_000; left > 0; remaining -= 100) {
    const count = closeNow(left, remaining);
    perStep.push(count);
    left -= count;
  }
  expect(perStep).toHaveLength(100);
  expect(Math.max(...perStep) - Math.min(...perStep)).toBeLessThanOrEqual(1);
  expect(closeNow(5, 0)).toBe(5);
});

test('message ids are trace ids, and differ; about one in 256 is logged', () => {
  const ids = Array.from({ length: 20_000 }, newMessageId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids.slice(0, 1_000)) expect(id).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
  expect(isLogged(`${'a'.repeat(30)}00`)).toBe(true);
  expect(isLogged(`${'a'.repeat(30)}01`)).toBe(false);
});
