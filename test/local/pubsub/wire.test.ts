import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  ackId,
  readAcknowledge,
  readModifyAckDeadline,
  readStreamRequest,
} from '../../../runtime/local/pubsub/ack-requests.ts';
import {
  readAttributes,
  readPublishRequest,
  readPublishTime,
  stampMessage,
  withAttributes,
  writeDeliveries,
  writePublishResponse,
} from '../../../runtime/local/pubsub/wire.ts';

/** The other side of every check: Google's own .proto files through protobufjs. */
const client = createRequire(import.meta.url).resolve('@google-cloud/pubsub/package.json');
const definitions = loadSync('google/pubsub/v1/pubsub.proto', {
  includeDirs: [
    join(dirname(client), 'build/protos'),
    join(dirname(createRequire(client).resolve('google-gax')), '../protos'),
  ],
  longs: Number,
});
const codec = (
  name: string,
): { encode: (value: object) => Buffer; decode: (bytes: Buffer) => Record<string, unknown> } => {
  const type = definitions[`google.pubsub.v1.${name}`] as MessageTypeDefinition<object, object>;
  return { encode: (value) => type.serialize(value), decode: (bytes) => type.deserialize(bytes) as never };
};

const text = fc.string({ unit: 'binary', maxLength: 50 });
const message = fc.record({
  data: fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  attributes: fc.dictionary(
    text.filter((key) => key !== '' && key !== '__proto__'),
    text,
    { maxKeys: 5 },
  ),
  orderingKey: text,
});

describe('wire', () => {
  it('stores and delivers what was published, byte for byte in meaning', () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 2 ** 50 }),
        fc.integer({ min: 0, max: 4e12 }),
        fc.nat(100),
        (messages, firstId, time, attempt) => {
          const request = readPublishRequest(
            codec('PublishRequest').encode({ topic: 'projects/p/topics/t', messages }),
          );
          expect(request.topic).toBe('projects/p/topics/t');
          const stored = request.messages.map((one, i) => stampMessage(one.bytes, firstId + i, time));
          const response = writeDeliveries(
            stored.map((one, i) => ({ ackId: ackId(7, firstId + i, 9), message: one, attempt })),
          );
          const { receivedMessages } = codec('PullResponse').decode(response) as {
            receivedMessages: { ackId: string; deliveryAttempt?: number; message: Record<string, unknown> }[];
          };
          for (const [i, sent] of messages.entries()) {
            const received = receivedMessages[i];
            expect(received?.message['data']).toEqual(sent.data);
            expect(received?.message['attributes'] ?? {}).toEqual(sent.attributes);
            expect(received?.message['orderingKey'] ?? '').toBe(sent.orderingKey);
            expect(request.messages[i]?.orderingKey ?? '').toBe(sent.orderingKey);
            expect(received?.message['messageId']).toBe(String(firstId + i));
            expect(received?.deliveryAttempt ?? 0).toBe(attempt);
            expect(Object.fromEntries(readAttributes(stored[i] as Buffer))).toEqual(sent.attributes);
            expect(Date.parse(readPublishTime(stored[i] as Buffer))).toBe(time);
          }
          expect(codec('PublishResponse').decode(writePublishResponse(firstId, messages.length))['messageIds']).toEqual(
            messages.map((_, i) => String(firstId + i)),
          );
        },
      ),
    );
  });

  it('takes no id and no time from the publisher', () => {
    const sent = { data: Buffer.from('x'), messageId: 'forged', publishTime: { seconds: 1 }, attributes: { a: 'b' } };
    const { messages } = readPublishRequest(codec('PublishRequest').encode({ messages: [sent] }));
    const decoded = codec('PubsubMessage').decode(stampMessage(messages[0]?.bytes as Buffer, 5, 1_700_000_000_123));
    expect(decoded).toMatchObject({ messageId: '5', attributes: { a: 'b' }, data: Buffer.from('x') });
    expect(decoded['publishTime']).toEqual({ seconds: 1_700_000_000, nanos: 123_000_000 });
  });

  it('adds attributes and drops the old id for a dead letter', () => {
    const { messages } = readPublishRequest(
      codec('PublishRequest').encode({
        messages: [{ data: Buffer.from('x'), attributes: { a: 'b' }, orderingKey: 'k' }],
      }),
    );
    const dead = withAttributes(stampMessage(messages[0]?.bytes as Buffer, 5, 1), { why: 'ü'.repeat(100) });
    const decoded = codec('PubsubMessage').decode(dead);
    expect(decoded).toEqual({ data: Buffer.from('x'), attributes: { a: 'b', why: 'ü'.repeat(100) }, orderingKey: 'k' });
  });

  it.each([
    [{ messages: [{}] }, /data or at least one attribute/],
    [{ messages: [{ data: Buffer.from('x'), orderingKey: 'k'.repeat(1025) }] }, /messages\[0\].ordering_key/],
    [
      { messages: [{ attributes: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`k${i}`, ''])) }] },
      /at most 100/,
    ],
    [{ messages: [{ attributes: { '': 'x' } }] }, /needs a key/],
  ])('refuses %o', (request, reason) => {
    expect(() => readPublishRequest(codec('PublishRequest').encode(request))).toThrow(reason);
  });

  it('reads acknowledgements as the client writes them', () => {
    const id = fc.record({
      sub: fc.nat(1e6),
      id: fc.integer({ min: 1, max: 2 ** 50 }),
      lease: fc.integer({ min: 0, max: 2 ** 52 }),
    });
    fc.assert(
      fc.property(fc.array(id), fc.array(id), fc.nat(600), fc.nat(100_000), (acks, modified, deadline, limit) => {
        const names = (list: typeof acks): string[] => list.map((one) => ackId(one.sub, one.id, one.lease));
        const parts = (list: typeof acks): object => ({
          subscription: list.map((one) => one.sub),
          ids: list.map((one) => one.id),
          leases: list.map((one) => one.lease),
        });
        expect(readAcknowledge(codec('AcknowledgeRequest').encode({ subscription: 's', ackIds: names(acks) }))).toEqual(
          {
            subscription: 's',
            acks: parts(acks),
            deadlineSeconds: 0,
          },
        );
        const modify = { subscription: 's', ackIds: names(acks), ackDeadlineSeconds: deadline };
        expect(readModifyAckDeadline(codec('ModifyAckDeadlineRequest').encode(modify))).toMatchObject({
          acks: parts(acks),
          deadlineSeconds: deadline,
        });
        const stream = {
          ackIds: names(acks),
          modifyDeadlineAckIds: names(modified),
          modifyDeadlineSeconds: modified.map(() => deadline),
          maxOutstandingMessages: limit,
          streamAckDeadlineSeconds: 10,
        };
        expect(readStreamRequest(codec('StreamingPullRequest').encode(stream))).toMatchObject({
          acks: parts(acks),
          modified: parts(modified),
          deadlines: modified.map(() => deadline),
          streamDeadlineSeconds: 10,
          ping: false,
        });
      }),
    );
  });

  it.each(['', 'x', '1', '1-2', '1-2-', '-1-2', '1-2-3-4', '1-a-3', '1-2-99999999999999999999'])(
    'refuses the ack id "%s"',
    (bad) => {
      const request = codec('AcknowledgeRequest').encode({ subscription: 's', ackIds: [bad] });
      expect(() => readAcknowledge(request)).toThrow(/no ack id of this server/);
    },
  );

  it('answers any bytes with a value or INVALID_ARGUMENT', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const read of [readPublishRequest, readAcknowledge, readStreamRequest]) {
          try {
            read(Buffer.from(bytes));
          } catch (error) {
            expect(error).toMatchObject({ code: 3 });
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
