import fc from 'fast-check';
import mqttPacket from 'mqtt-packet';
import { expect, test } from 'vitest';
import {
  connectPacket,
  firstSeq,
  inboundParser,
  publishTemplate,
  subscribePacket,
} from '../../../cli/bench/load/packets.ts';
import { parseSamples, quantileBetween, total } from '../../../cli/bench/scrape.ts';

/** Read by the library that brokers use, not by our own reading of the standard. */
function parsed(packet: Buffer): mqttPacket.Packet {
  let found: mqttPacket.Packet | undefined;
  const parser = mqttPacket.parser({ protocolVersion: 4 });
  parser.on('packet', (p) => {
    found = p;
  });
  expect(parser.parse(packet)).toBe(0);
  if (found === undefined) throw new Error('no packet');
  return found;
}

test('CONNECT and SUBSCRIBE are what a broker reads', () => {
  expect(parsed(connectPacket('bench-00001', 600))).toMatchObject({
    cmd: 'connect',
    clientId: 'bench-00001',
    keepalive: 600,
    clean: true,
  });
  expect(parsed(subscribePacket(7, ['/devices/a/config', '/devices/a/commands/#']))).toMatchObject({
    cmd: 'subscribe',
    messageId: 7,
    subscriptions: [
      { topic: '/devices/a/config', qos: 1 },
      { topic: '/devices/a/commands/#', qos: 1 },
    ],
  });
});

test('PUBLISH carries readings of the asked length with their own ts and seq, and packets do not share memory', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 130, max: 300 }),
      fc.integer({ min: 1, max: 65_535 }),
      fc.nat(1_000_000),
      (batch, bytes, id, seq) => {
        const template = publishTemplate('/devices/bench-00001/events', batch, bytes);
        const packet = template.fill(id, 1_763_840_000_123, seq);
        template.fill(1, 1_000_000_000_000, 0);
        const read = parsed(packet) as mqttPacket.IPublishPacket;
        expect(read).toMatchObject({ qos: 1, messageId: id, topic: '/devices/bench-00001/events' });
        const payload = JSON.parse(String(read.payload)) as unknown;
        const readings = (batch === 1 ? [payload] : payload) as { ts: number; seq: number }[];
        expect(readings.map((r) => r.ts)).toEqual(Array(batch).fill(1_763_840_000_123));
        expect(readings.map((r) => r.seq)).toEqual(Array.from({ length: batch }, (_, i) => firstSeq + seq * batch + i));
        expect(read.payload).toHaveLength(batch * bytes + (batch === 1 ? 0 : batch + 1));
        expect(template.payloadBytes).toBe(read.payload.length);
      },
    ),
  );
});

test('acknowledgements are read however the stream is cut', () => {
  const stream = Buffer.concat([
    Buffer.from([0x20, 2, 0, 0]),
    Buffer.from([0x90, 4, 0, 1, 1, 0x80]),
    ...Array.from({ length: 50 }, (_, i) => Buffer.from([0x40, 2, i >> 8, i + 1])),
    Buffer.from([0xd0, 0]),
    Buffer.from([0x40, 2, 0xff, 0xff]),
  ]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (cuts) => {
      const heard: unknown[] = [];
      const parse = inboundParser({
        connack: (code) => heard.push(['connack', code]),
        suback: (codes) => heard.push(['suback', ...codes]),
        puback: (id) => heard.push(id),
      });
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = cuts[i % cuts.length] as number;
        parse(stream.subarray(at, at + size));
        at += size;
      }
      const ids = Array.from({ length: 50 }, (_, i) => i + 1);
      expect(heard).toEqual([['connack', 0], ['suback', 1, 0x80], ...ids, 0xffff]);
    }),
  );
});

test('a quantile between two scrapes is the bound of its bucket', () => {
  const page = (counts: number[]) =>
    parseSamples(
      `# HELP x y\n${['0.01', '0.1', '1', '+Inf'].map((le, i) => `x_bucket{le="${le}",service="a"} ${counts[i]}`).join('\n')}\nx_count 5\n`,
    );
  const [before, after] = [page([5, 5, 5, 5]), page([95, 104, 105, 105])];
  expect([0.5, 0.9, 0.99, 1].map((q) => quantileBetween(before, after, 'x', q))).toEqual([0.01, 0.01, 0.1, 1]);
  expect(quantileBetween(before, before, 'x', 0.5)).toBeNaN();
  expect(total(after, 'x_bucket', { le: '1' })).toBe(105);
});
