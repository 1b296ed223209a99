import { appendFile, mkdtemp, readdir, readFile, rename, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RefusedLog } from '../../runtime/gateway/refused-log.ts';
import { SpillFullError, SpillLog } from '../../runtime/gateway/spill-log.ts';
import { decodeRecords, encodeRecord } from '../../runtime/gateway/spill-record.ts';
import { MessageRefusedError, type OutgoingMessage } from '../../runtime/platform/bus/publisher.ts';
import { quietLog } from '../support/log.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iot-test-spill-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (maxBytes = 1_000_000) => SpillLog.open(folder, { maxBytes, log: quietLog });
const message = (n: number): OutgoingMessage => ({ data: Buffer.from(`{"n":${n}}`), attributes: { message: `${n}` } });
const append = (spill: SpillLog, n: number) =>
  new Promise<void>((resolve, reject) => spill.append(message(n), (error) => (error ? reject(error) : resolve())));
async function replayAll(spill: SpillLog): Promise<number[]> {
  const seen: number[] = [];
  const publish = async (m: OutgoingMessage) => void seen.push(JSON.parse(m.data.toString()).n);
  while ((await spill.replayOldest(publish, () => 7)) > 0);
  return seen;
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test('a record holds any bytes and attributes', () => {
  const messages = fc.array(
    fc.record({ data: fc.uint8Array({ maxLength: 300 }), attributes: fc.dictionary(fc.string(), fc.string()) }),
    { maxLength: 10 },
  );
  fc.assert(
    fc.property(messages, (all) => {
      const given = all.map(({ data, attributes }) => ({ data: Buffer.from(data), attributes: { ...attributes } }));
      const { messages: read, goodBytes } = decodeRecords(Buffer.concat(given.map(encodeRecord)));
      expect(read.map((m) => [m.data.toString('hex'), m.attributes])).toEqual(
        given.map((m) => [m.data.toString('hex'), m.attributes]),
      );
      expect(goodBytes).toBe(given.reduce((sum, m) => sum + encodeRecord(m).length, 0));
    }),
  );
});

test('cut anywhere, or with any byte changed, what is read is a true beginning of what was written', () => {
  const whole = Buffer.concat(range(0, 8).map((n) => encodeRecord(message(n))));
  const ends = range(1, 9).map((n) => Buffer.concat(range(0, n).map((i) => encodeRecord(message(i)))).length);
  fc.assert(
    fc.property(
      fc.nat(whole.length),
      fc.option(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }))),
      (cut, flip) => {
        const bytes = Buffer.from(whole.subarray(0, cut));
        const flipped = flip !== null && flip[0] < cut ? flip[0] : cut;
        if (flip !== null && flip[0] < cut) bytes[flip[0]] = (bytes[flip[0]] ?? 0) ^ flip[1];
        const intact = ends.filter((end) => end <= flipped).length;
        expect(decodeRecords(bytes).messages.map((m) => m.attributes['message'])).toEqual(range(0, intact).map(String));
      },
    ),
    { numRuns: 500 },
  );
});

test('what was acknowledged is read back by the next process, in order, and its files go', async () => {
  const first = await open();
  await Promise.all(range(0, 100).map((n) => append(first, n)));
  await append(first, 100);
  // kill -9: nothing is closed
  const second = await open();
  expect(second.backlog).toBe(101);
  expect(await replayAll(second)).toEqual(range(0, 101));
  expect(await readdir(folder)).toEqual([]);
  expect(second.bytes).toBe(0);
  await first.close();
});

test('a torn tail of any length loses nothing that was acknowledged', async () => {
  const tail = encodeRecord(message(999));
  for (const length of [1, 7, 8, 11, 12, tail.length - 1]) {
    const spill = await open();
    await Promise.all(range(0, 10).map((n) => append(spill, n)));
    await spill.close();
    const [name = ''] = await readdir(folder);
    await appendFile(join(folder, name), tail.subarray(0, length));
    const next = await open();
    expect(await replayAll(next)).toEqual(range(0, 10));
    expect(await readdir(folder)).toEqual([]);
  }
});

test('damage in an older segment: the readable part is replayed, a copy is kept', async () => {
  const spill = await open();
  await Promise.all(range(0, 10).map((n) => append(spill, n)));
  await spill.close();
  const next = await open();
  await append(next, 10);
  await next.close();
  const [name = ''] = (await readdir(folder)).sort();
  await truncate(join(folder, name), (await readFile(join(folder, name))).length - 3);
  const third = await open();
  expect(await replayAll(third)).toEqual([...range(0, 9), 10]);
  expect(await readdir(folder)).toEqual([`${name}.damaged`]);
});

test('a replay that fails keeps its segment; messages that come meanwhile go to another', async () => {
  const spill = await open();
  await Promise.all(range(0, 10).map((n) => append(spill, n)));
  let calls = 0;
  const failing = async () => {
    if (++calls === 5) throw new Error('bus away');
  };
  const replay = expect(spill.replayOldest(failing, () => 1)).rejects.toThrow('bus away');
  await append(spill, 10);
  await replay;
  expect(spill.backlog).toBe(11);
  expect(await replayAll(spill)).toEqual(range(0, 11));
  await spill.close();
});

const refusing = (numbers: number[]) => {
  const stored: number[] = [];
  const publish = async (m: OutgoingMessage) => {
    const { n } = JSON.parse(m.data.toString());
    if (numbers.includes(n)) throw new MessageRefusedError(`refused ${n}`);
    stored.push(n);
  };
  return { stored, publish };
};

test('what the bus refuses for good is kept in a file, the others go; the file renamed is replayed', async () => {
  const spill = await open();
  await Promise.all(range(0, 20).map((n) => append(spill, n)));
  const bus = refusing([3, 4, 17]);
  expect(await spill.replayOldest(bus.publish, () => 7)).toBe(20);
  expect(bus.stored).toEqual(range(0, 20).filter((n) => ![3, 4, 17].includes(n)));
  expect([spill.backlog, spill.refused.messages]).toEqual([0, 3]);
  const [name = '', ...others] = await readdir(folder);
  expect([name, others]).toEqual(['refused-000000000001.log', []]);
  // kill -9, and another is refused in the next process
  const next = await open();
  expect([next.backlog, next.refused.messages, next.refused.bytes]).toEqual([0, 3, spill.refused.bytes]);
  await append(next, 20);
  await next.replayOldest(refusing([20]).publish, () => 7);
  await next.close();
  expect((await readdir(folder)).sort()).toEqual([name, 'refused-000000000002.log']);
  await rename(join(folder, name), join(folder, name.replace('refused', 'spill')));
  const mended = await open();
  expect(await replayAll(mended)).toEqual([3, 4, 17]);
  expect(mended.refused.messages).toBe(1);
  await spill.close();
});

test('a window in which the bus goes away keeps nothing as refused; refused bytes count towards the bound', async () => {
  const size = encodeRecord(message(1)).length;
  const spill = await open(size * 3);
  await Promise.all(range(0, 3).map((n) => append(spill, n)));
  const away = async (m: OutgoingMessage) => {
    throw JSON.parse(m.data.toString()).n === 0 ? new MessageRefusedError('refused') : new Error('bus away');
  };
  await expect(spill.replayOldest(away, () => 3)).rejects.toThrow('bus away');
  expect([spill.backlog, spill.refused.messages]).toEqual([3, 0]);
  await spill.replayOldest(refusing([0, 1]).publish, () => 3);
  await append(spill, 3);
  await expect(append(spill, 4)).rejects.toThrow(`${2 * size} of them refused by the bus`);
  await spill.close();
});

test('refused messages that cannot be kept stay in their segment', async () => {
  const spill = await open();
  await Promise.all(range(0, 3).map((n) => append(spill, n)));
  const { keep } = spill.refused;
  spill.refused.keep = () => Promise.reject(new Error('no space left'));
  await expect(spill.replayOldest(refusing([1]).publish, () => 3)).rejects.toThrow('no space left');
  expect(spill.backlog).toBe(3);
  spill.refused.keep = keep;
  expect(await replayAll(spill)).toEqual(range(0, 3));
  await spill.close();
});

test('a refused file that cannot be written is an error that names it', async () => {
  const refused = await RefusedLog.open(folder);
  await rm(folder, { recursive: true });
  await expect(refused.keep([message(1)])).rejects.toThrow('refused-000000000001.log');
  expect(refused.messages).toBe(0);
});

test('full: the message is refused, not stored, and there is room again after a replay', async () => {
  const spill = await open(encodeRecord(message(1)).length * 3);
  await Promise.all(range(0, 3).map((n) => append(spill, n)));
  await expect(append(spill, 3)).rejects.toBeInstanceOf(SpillFullError);
  expect(await replayAll(spill)).toEqual(range(0, 3));
  await append(spill, 4);
  expect(await replayAll(spill)).toEqual([4]);
  await spill.close();
});

test('a disk that refuses the write refuses the message', async () => {
  const spill = await open();
  await append(spill, 0);
  await spill.close();
  await rm(folder, { recursive: true });
  await expect(append(spill, 1)).rejects.toThrow();
});
