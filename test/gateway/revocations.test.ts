import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expiryMarginMs, type IdentityChange } from '../../runtime/contracts/http/index.ts';
import { IdentityFeed } from '../../runtime/gateway/identity-feed.ts';
import {
  applyChanges,
  fromSnapshot,
  noRevocations,
  pruneExpired,
  refusal,
  toSnapshot,
} from '../../runtime/gateway/revocations.ts';
import { tokenOf } from '../support/identity.ts';
import { quietLog } from '../support/log.ts';
import { FakeDevices } from './stand.ts';

const revoked = (version: number, serial: string, expiresAt?: number | null): IdentityChange => ({
  version,
  tenant: 'main',
  device: 'sensor-1',
  change: 'certificate-revoked',
  serial,
  at: 0,
  expiresAt,
});

test('a revoked certificate is forgotten a day after its end, one without a known end never', () => {
  const state = noRevocations();
  applyChanges(state, [revoked(1, 'aa', 1_000), revoked(2, 'bb', null), revoked(3, 'cc'), revoked(4, 'dd', 5_000)]);
  expect(pruneExpired(state, 1_000 + expiryMarginMs)).toBe(0);
  expect(refusal(state, 'main/sensor-1', 'aa')).toBeDefined();
  expect(pruneExpired(state, 1_001 + expiryMarginMs)).toBe(1);
  expect([...state.serials.keys()]).toEqual(['bb', 'cc', 'dd']);
  expect(state.version).toBe(4);
  const again = fromSnapshot(toSnapshot(state));
  expect(again).toEqual(state);
  expect(pruneExpired(again, Number.MAX_SAFE_INTEGER)).toBe(1);
});

test('a snapshot of the version before is read, and what it names stays revoked', () => {
  const state = fromSnapshot('{"format":1,"version":7,"blocked":["main/b"],"serials":[["aa","main/a"]]}');
  expect(refusal(state, 'main/a', 'aa')).toBe('the certificate is revoked');
  expect(refusal(state, 'main/b', undefined)).toBe('the device is blocked');
  expect(pruneExpired(state, Number.MAX_SAFE_INTEGER)).toBe(0);
});

test("the feed's snapshot holds what is revoked and still valid, however long the history", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'iot-test-feed-'));
  const devices = await new FakeDevices().start();
  const year = 365 * 86_400_000;
  for (let version = 1; version <= 900; version++)
    devices.changes.push(revoked(version, version.toString(16), Date.now() + (version > 890 ? year : -year)));
  const identity = tokenOf('gateway', 'devices');
  const feed = new IdentityFeed({
    devicesUrl: devices.url,
    identity,
    folder,
    log: quietLog,
    onEnding: () => undefined,
  });
  try {
    await feed.start();
    expect(feed.version).toBe(900);
    expect(feed.refusal('main/sensor-1', (900).toString(16))).toBe('the certificate is revoked');
    const snapshot = JSON.parse(await readFile(join(folder, 'identities.json'), 'utf8'));
    expect(snapshot).toMatchObject({ format: 2, version: 900 });
    expect(snapshot.serials).toHaveLength(10);
  } finally {
    await feed.stop();
    await devices.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
