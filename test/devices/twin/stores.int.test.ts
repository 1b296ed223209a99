import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mergePatch, type TwinDocument } from '../../../runtime/contracts/twin.ts';
import { type Core, guardedCore } from '../../../runtime/devices/database.ts';
import { guardedDocuments } from '../../../runtime/devices/documents.ts';
import { changeDesired } from '../../../runtime/devices/twin/desired.ts';
import { type TwinDocuments, twinDocuments } from '../../../runtime/devices/twin/documents.ts';
import { applyReport } from '../../../runtime/devices/twin/reported.ts';
import { readTwin } from '../../../runtime/devices/twin/view.ts';
import { openDocuments } from '../../../runtime/platform/documents/open.ts';
import { guardStore } from '../../../runtime/platform/resilience/store-guard.ts';
import { firestoreApi } from '../../support/google/firestore.ts';
import { type GoogleServer, refusal, startGoogle } from '../../support/google/server.ts';
import { quietLog } from '../../support/log.ts';
import { testPool } from '../../support/pool.ts';
import { type TestPostgres, testPostgres } from '../../support/postgres.ts';

let postgres: TestPostgres;
let pool: pg.Pool;
let core: Core;
let google: GoogleServer;
beforeAll(async () => {
  postgres = await testPostgres({ shards: ['shard_a'] });
  pool = testPool(postgres.as('devices').core);
  core = guardedCore(pool, guardStore({ name: 'core', concurrent: 64 }, quietLog));
  google = await startGoogle([firestoreApi().api]);
}, 60_000);
afterAll(async () => {
  await pool?.end();
  await Promise.all([postgres?.stop(), google?.stop()]);
});

const actor = { tenant: 'main', subject: 'tester@example.com', trace: 'a'.repeat(32) };
let number = 0;
async function newDevice(): Promise<string> {
  const id = `twin-${++number}`;
  await core.query("insert into devices (tenant, id, name, type) values ('main', $1, $1, 'generic')", [id]);
  return id;
}

describe.each(['postgres', 'firestore:projects/my-project/databases/iot-dev-1a2b'])('twins in %s', (place) => {
  let twins: TwinDocuments;
  beforeAll(() => {
    twins = twinDocuments(
      guardedDocuments(openDocuments({ IOT_DOCUMENTS: place, IOT_GOOGLE_ENDPOINT: google.endpoint }, pool)),
    );
  });
  const parts = () => ({ core, twins, clock: Date.now });
  const said = (device: string, order: number, document: TwinDocument) => ({
    tenant: 'main',
    device,
    report: { document, version: null },
    connection: 1,
    order,
    received: 1_795_000_000_000 + order,
  });

  it('is desired, reported and the difference, each with a version of its own', async () => {
    const id = await newDevice();
    await changeDesired(parts(), actor, id, undefined, () => ({ a: 1, b: { c: 2 } }));
    await applyReport(twins, said(id, 0, { a: 1, own: true }));
    expect(await readTwin(core, twins, 'main', id)).toMatchObject({
      desired: { version: 1, document: { a: 1, b: { c: 2 } } },
      reported: { version: 1, document: { a: 1, own: true }, updatedAt: new Date(1_795_000_000_000).toISOString() },
      delta: { b: { c: 2 } },
    });
  });

  it('of many with the same If-Match one wins; without it each patch comes to be', async () => {
    const id = await newDevice();
    await changeDesired(parts(), actor, id, 0, () => ({}));
    const race = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => changeDesired(parts(), actor, id, 1, () => ({ n }))),
    );
    expect(race.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const each of race) if (each.status === 'rejected') expect(each.reason).toMatchObject({ status: 412 });
    const patched = await Promise.allSettled(
      Array.from({ length: 4 }, (_, n) =>
        changeDesired(parts(), actor, id, undefined, (now) => mergePatch(now, { [`p${n}`]: n }) as TwinDocument),
      ),
    );
    expect(patched.map(({ status }) => status)).toEqual(Array(4).fill('fulfilled'));
    expect(Object.keys((await twins.desired('main', id)).document)).toEqual(
      expect.arrayContaining(['p0', 'p1', 'p2', 'p3']),
    );
    expect(await core.query('select 1 from twin_intents where device_id = $1', [id])).toEqual([]);
  });

  it('a report that is overtaken or redelivered changes nothing, and the same one again only its place', async () => {
    const id = await newDevice();
    const results = [];
    for (const [order, document] of [
      [1, { n: 1 }],
      [0, { n: 0 }],
      [1, { n: 1 }],
      [3, { n: 1 }],
      [2, { n: 2 }],
    ] as const)
      results.push(await applyReport(twins, said(id, order, document)));
    expect(results.map(({ applied }) => applied)).toEqual(['changed', 'stale', 'stale', 'same', 'stale']);
    expect(await twins.reported('main', id)).toMatchObject({ version: 1, document: { n: 1 }, order: 3 });
    await Promise.all(Array.from({ length: 6 }, (_, n) => applyReport(twins, said(id, 10 + n, { n: 10 + n }))));
    expect((await twins.reported('main', id)).document).toEqual({ n: 15 });
  });
});

it('Firestore away is a 503, and whether the change came to be is found out later', async () => {
  const place = 'firestore:projects/my-project/databases/iot-dev-1a2b';
  const twins = twinDocuments(
    guardedDocuments(openDocuments({ IOT_DOCUMENTS: place, IOT_GOOGLE_ENDPOINT: google.endpoint }, pool)),
  );
  const id = await newDevice();
  google.fail(':commit', refusal(403, 'PERMISSION_DENIED'), 1);
  await expect(
    changeDesired({ core, twins, clock: Date.now }, actor, id, undefined, () => ({ a: 1 })),
  ).rejects.toMatchObject({
    status: 503,
  });
  expect(await core.query('select 1 from twin_intents where device_id = $1', [id])).toHaveLength(1);
  const { changed } = await changeDesired({ core, twins, clock: Date.now }, actor, id, undefined, () => ({ a: 1 }));
  expect(changed).toBe(true);
});
