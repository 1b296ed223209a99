import { createHook } from 'node:async_hooks';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstAdministratorPath } from '../../runtime/api/identity/code-pages.ts';
import { offerFirstAdministrator, offerOnce } from '../../runtime/api/identity/first-administrator.ts';
import {
  type Generation,
  isRotationDue,
  keysInForce,
  withGeneration,
} from '../../runtime/api/identity/key-generations.ts';
import { openSecretKeys } from '../../runtime/api/identity/secret-keys.ts';
import { isPassword } from '../../runtime/api/identity/secrets.ts';
import { connectGoogle } from '../../runtime/platform/google/google.ts';
import { openSecret } from '../../runtime/platform/google/secret.ts';
import { secretsApi } from '../support/google/secrets.ts';
import { type GoogleServer, refusal, startGoogle } from '../support/google/server.ts';
import { quietLog } from '../support/log.ts';
import { testPool } from '../support/pool.ts';
import { startTestApi, type TestApi } from './harness.ts';

const keysSecret = 'projects/my-project/secrets/issuer-keys';
const adminSecret = 'projects/my-project/secrets/first-administrator';
const hour = 3_600_000;
const day = 24 * hour;

describe('generations of keys', () => {
  const made = (madeAt: number): Generation => ({
    madeAt,
    cookie: 'c'.repeat(40),
    signing: { kty: 'EC', crv: 'P-256', d: 'd', kid: String(madeAt) },
  });
  const kids = (keys: ReturnType<typeof keysInForce>) => keys.signing.map(({ kid }) => kid);

  it('whatever the rotations and the time: what signed within two days still verifies, and what signs was known for 15 min', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 }),
        fc.nat(500),
        (gaps, later) => {
          let [held, now] = [withGeneration(undefined, made(hour)), hour];
          const signed = new Map<string, number>();
          for (const gap of gaps) {
            for (let step = 0; step < gap; step += 6) {
              now += Math.min(6, gap - step) * hour;
              signed.set(kids(keysInForce(held, now))[0] as string, now);
            }
            held = withGeneration(held, made(now));
          }
          now += later * 60_000;
          const keys = kids(keysInForce(held, now));
          const first = held.generations.find(({ signing }) => signing.kid === keys[0]) as Generation;
          expect(held.generations.length === 1 || now - first.madeAt >= 15 * 60_000 || keys.length === 1).toBe(true);
          for (const [kid, last] of signed) if (now - last < day) expect(keys).toContain(kid);
        },
      ),
    );
  });
  it('a rotation is due by age alone', () => {
    const held = withGeneration(undefined, made(day));
    expect([
      isRotationDue(undefined, 0, 30),
      isRotationDue(held, 31 * day - 1, 30),
      isRotationDue(held, 31 * day, 30),
    ]).toEqual([true, false, true]);
  });
});

describe('with Secret Manager', () => {
  let google: GoogleServer;
  let held: ReturnType<typeof secretsApi>;
  let api: TestApi;
  let core: pg.Pool;

  beforeAll(async () => {
    held = secretsApi([keysSecret, adminSecret]);
    google = await startGoogle([held.api]);
    api = await startTestApi({
      IOT_KEYS_DIR: '',
      IOT_KEYS_SECRET: keysSecret,
      IOT_FIRST_ADMIN_SECRET: adminSecret,
      IOT_GOOGLE_ENDPOINT: google.endpoint,
    });
    core = testPool(api.postgres.core);
  }, 60_000);
  afterAll(async () => {
    await core?.end();
    await api?.stop();
    await google?.stop();
  });

  it('makes the keys at the first start; the tokens that they sign are good', async () => {
    expect(held.versions(keysSecret)).toHaveLength(1);
    const token = await api.token();
    api.devices.answer = () => ({ status: 200, body: { items: [], next: null } });
    const answer = await fetch(`${api.url}/v1/devices`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
  });

  it('processes that start together agree on one key, also at a rotation, which each knows before it signs', async () => {
    const other = 'projects/my-project/secrets/other-keys';
    const store = secretsApi([other]);
    const server = await startGoogle([store.api]);
    let now = Date.now();
    const open = () =>
      openSecretKeys({
        secret: openSecret(connectGoogle({ endpoint: server.endpoint }), other),
        core,
        rotationDays: 30,
        log: quietLog,
        clock: () => now,
        refreshMs: 0,
      });
    const rings = await Promise.all([open(), open(), open()]);
    const kid = (ring: (typeof rings)[number]) => ring.current().signing[0]?.kid;
    expect(store.versions(other)).toHaveLength(1);
    expect(new Set(rings.map(kid)).size).toBe(1);
    const before = kid(rings[0]);
    now += 30 * day;
    const changes: number[] = [];
    rings[1].onChange(() => changes.push(1));
    await Promise.all(rings.map((ring) => ring.refresh()));
    expect(store.versions(other)).toHaveLength(2);
    // Who found the lock taken has the new key at its next look.
    await Promise.all(rings.map((ring) => ring.refresh()));
    expect(rings[1].current().signing.map((key) => key.kid)).toEqual([
      before,
      expect.not.stringMatching(`^${before}$`),
    ]);
    now += 15 * 60_000;
    expect(kid(rings[1])).not.toBe(before);
    expect(rings[1].current().signing.map((key) => key.kid)).toContain(before);
    expect(changes).toHaveLength(1);
    // While Secret Manager is away the keys that are there stay.
    server.fail('secrets', refusal(403, 'PERMISSION_DENIED'), 9);
    await expect(rings[0].refresh()).rejects.toThrow('403');
    expect(rings[0].current().signing.length).toBe(2);
    for (const ring of rings) ring.stop();
    await server.stop();
  });

  it('a secret that holds something else is refused, and not quoted', async () => {
    const store = secretsApi([keysSecret]);
    const server = await startGoogle([store.api]);
    const secret = openSecret(connectGoogle({ endpoint: server.endpoint }), keysSecret);
    await secret.add(Buffer.from('{"hunter2":1}'));
    const opening = openSecretKeys({ secret, core, rotationDays: 30, log: quietLog });
    const error = await opening.then(
      () => undefined,
      (failed: Error) => failed,
    );
    expect(error?.message).toContain('holds no keys');
    expect(JSON.stringify([error?.message, error?.cause, error?.stack])).not.toContain('hunter2');
    await server.stop();
  });

  it('there is no offer while there are users', async () => {
    const secret = openSecret(connectGoogle({ endpoint: google.endpoint }), adminSecret);
    expect(await offerOnce(core, secret)).toBe('not needed');
    expect(held.versions(adminSecret)).toEqual([]);
  });

  describe('without any user', () => {
    const form = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
      fetch(`${api.url}${firstAdministratorPath}`, { method: 'POST', body: new URLSearchParams(fields), headers });
    const ada = { email: 'Ada@example.org', password: 'a long enough password' };

    it('of many starts one puts a code into the secret; the database has only its hash', async () => {
      await core.query('delete from users');
      const secret = openSecret(connectGoogle({ endpoint: google.endpoint }), adminSecret);
      google.fail(':addVersion', refusal(403, 'PERMISSION_DENIED'), 1);
      await expect(offerOnce(core, secret)).rejects.toThrow('403');
      expect(await offerOnce(core, secret)).toBe('pending'); // whoever won may still be at it
      await core.query("update first_administrator set created_at = now() - interval '2 minutes'");
      const offers = await Promise.all(Array.from({ length: 6 }, () => offerOnce(core, secret)));
      expect(offers.filter((offer) => offer === 'made')).toHaveLength(1);
      const [code = ''] = held.versions(adminSecret);
      expect(held.versions(adminSecret)).toHaveLength(1);
      expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){5}[0-9A-HJKMNP-TV-Z]$/);
      const { rows } = await core.query('select row_to_json(f)::text as all from first_administrator f');
      expect(rows).toHaveLength(1);
      expect(rows[0].all).not.toContain(code);
    });

    it('refuses a wrong code, a short password, a form of another site', async () => {
      const [code = ''] = held.versions(adminSecret);
      expect((await form({ ...ada, code: code.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) })).status).toBe(401);
      expect((await form({ ...ada, code, password: 'short' })).status).toBe(422);
      expect((await form({ ...ada, code }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
      expect((await core.query('select from users')).rowCount).toBe(0);
    });

    it('makes one administrator of many who try with the code at once', async () => {
      const [code = ''] = held.versions(adminSecret);
      const typed = code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o');
      const answers = await Promise.all(
        ['a', 'b', 'c'].map((name) => form({ ...ada, email: `${name}@example.org`, code: typed })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401]);
      const { rows } = await core.query('select role, tenant, password_hash from users');
      expect(rows).toMatchObject([{ role: 'admin', tenant: 'main' }]);
      expect(await isPassword(ada.password, rows[0].password_hash)).toBe(true);
      expect(api.logText()).not.toContain(ada.password);
      expect(api.logText()).not.toContain(code);
    });

    it('does no work for a password without the right code: the page stays, and anybody can ask it', async () => {
      const [code = ''] = held.versions(adminSecret);
      const secret = openSecret(connectGoogle({ endpoint: google.endpoint }), adminSecret);
      const administrator = offerFirstAdministrator({ core, secret, page: '', log: quietLog });
      // Node hashes passwords on the thread pool, which counts what it is given.
      const hook = createHook({ init: (_id, type) => void kinds.push(type) });
      const kinds: string[] = [];
      hook.enable();
      await administrator.redeem('wrong', ada.email, ada.password);
      await administrator.redeem(code, ada.email, ada.password); // used
      hook.disable();
      administrator.stop();
      expect(kinds.filter((kind) => kind === 'SCRYPTREQUEST')).toEqual([]);
    });

    it('stays closed when the users are gone again', async () => {
      const [code = ''] = held.versions(adminSecret);
      await core.query('delete from users');
      const secret = openSecret(connectGoogle({ endpoint: google.endpoint }), adminSecret);
      const administrator = offerFirstAdministrator({ core, secret, page: '', log: quietLog });
      expect(await administrator.redeem(code, ada.email, ada.password)).toBe(false);
      administrator.stop();
      expect((await core.query('select from users')).rowCount).toBe(0);
    });
  });
});
