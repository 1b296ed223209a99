import { expect, test } from 'vitest';
import { genericDeviceType } from '../../runtime/contracts/device-type.ts';
import { compileType } from '../../runtime/processor/device-type.ts';
import { interpret } from '../../runtime/processor/interpret.ts';

const received = 1_790_000_000_000;
const letters = (message: string, body: unknown) =>
  interpret(
    {
      tenant: 'main',
      device: 'dev-1',
      kind: 'events',
      subfolder: '',
      message: message.repeat(32),
      received,
      data: Buffer.from(JSON.stringify(body)),
    },
    compileType(genericDeviceType, 1),
    86_400_000,
  ).deadLetters.map((letter) => letter.id);

const ahead = { ts: received + 3_600_000, seq: 7, values: { t: 1 } };

test('a refused reading that the device sends again, in a message of its own, is one dead letter', () => {
  expect(letters('b', ahead)).toEqual(letters('a', ahead));
  // The device batched differently the second time.
  expect(letters('b', [{ ...ahead, seq: 8 }, ahead])[1]).toBe(letters('a', ahead)[0]);
});

test('other values, another number or another time are another dead letter', () => {
  const others = [
    { ...ahead, seq: 8 },
    { ...ahead, ts: ahead.ts + 1 },
    { ...ahead, values: { t: 2 } },
  ];
  expect(new Set([ahead, ...others].flatMap((body) => letters('a', body))).size).toBe(4);
});
