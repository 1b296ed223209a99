import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CommandError,
  createCommandParser,
  encodeReply,
  nullArray,
  ok,
  type ProtocolBounds,
} from '../../../runtime/local/redis/resp.ts';

const bounds: ProtocolBounds = { bulkBytes: 1_000, arguments: 50, commandBytes: 4_000 };

/** All commands and the first error of a stream that arrives in the given pieces. */
function parse(pieces: readonly Buffer[]): { commands: string[][]; error: string | null } {
  const parser = createCommandParser(bounds);
  const all: { commands: string[][]; error: string | null } = { commands: [], error: null };
  for (const piece of pieces) {
    const { commands, error } = parser.push(piece);
    all.commands.push(...commands);
    all.error ??= error;
  }
  return all;
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, i) => bytes.subarray(start, at[i] ?? bytes.length));
}

const argument = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const commands = fc.array(fc.array(argument, { minLength: 1, maxLength: 8 }), { maxLength: 10 });
const places = fc.array(fc.nat(5_000), { maxLength: 30 });
const encode = (list: readonly string[][]) => Buffer.from(list.map(encodeReply).join(''), 'latin1');

/** Text close to the protocol, so that most of it gets past the first byte. */
const nearly = fc
  .array(fc.constantFrom('*', '$', '\r\n', '\r', '\n', '-1', '0', '1', '2', '12', '999999', 'PING', 'x'), {
    maxLength: 40,
  })
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));

describe('command parser', () => {
  test('gives back every command, however the bytes are cut', () => {
    fc.assert(
      fc.property(commands, places, (list, at) => {
        expect(parse(cut(encode(list), at))).toEqual({ commands: list, error: null });
      }),
    );
  });

  test('gives the same commands and the same error for any bytes, however they are cut', () => {
    const bytes = fc.oneof(nearly, fc.uint8Array({ maxLength: 200 }).map(Buffer.from));
    fc.assert(
      fc.property(commands, bytes, places, (list, tail, at) => {
        const stream = Buffer.concat([encode(list), Buffer.from(tail)]);
        const whole = parse([stream]);
        expect(parse(cut(stream, at))).toEqual(whole);
        expect(parse([...stream].map((byte) => Buffer.of(byte)))).toEqual(whole);
      }),
    );
  });

  test.each([
    ['PING\r\n', 'expected \'*\', got "P": inline commands are not supported, send RESP arrays'],
    ['*1\r\n+PING\r\n', 'expected \'$\', got "+"'],
    ['*x\r\n', 'invalid multibulk length'],
    ['*1\n', 'count line is too long'],
    ['*1\r', 'invalid multibulk length', 'a'],
    ['*51\r\n', 'invalid multibulk length: 51, allowed are 50'],
    ['*1\r\n$1001\r\n', 'invalid bulk length: 1001, allowed are 0 to 1000'],
    ['*1\r\n$-1\r\n', 'invalid bulk length: -1, allowed are 0 to 1000'],
    ['*1\r\n$1e3\r\n', 'invalid bulk length'],
    ['*1\r\n$2\r\nabc\r\n', 'argument is not followed by CRLF'],
    [`*${'1'.repeat(40)}`, 'count line is too long'],
    [`*5\r\n${`$1000\r\n${'x'.repeat(1_000)}\r\n`.repeat(4)}$1\r\n`, 'command is longer than 4000 bytes'],
  ])('refuses %j', (text, error, more = '') => {
    const result = parse([Buffer.from(text), Buffer.from(more), Buffer.alloc(40, '1')]);
    expect(result).toEqual({ commands: [], error });
  });

  test('an empty or null array is no command', () => {
    expect(parse([Buffer.from('*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n')])).toEqual({ commands: [['PING']], error: null });
  });

  test('takes nothing more after an error', () => {
    const parser = createCommandParser(bounds);
    expect(parser.push(Buffer.from('*1\r\n$4\r\nPING\r\n!')).commands).toEqual([['PING']]);
    expect(parser.push(Buffer.from('*1\r\n$4\r\nPING\r\n'))).toEqual({ commands: [], error: null });
  });

  test('does not copy a large argument again for every piece of it', () => {
    const size = 16 * 1024 * 1024;
    const parser = createCommandParser();
    let copied = 0;
    const concat = Buffer.concat;
    Buffer.concat = (list, length) => {
      const joined = concat(list, length);
      copied += joined.length;
      return joined;
    };
    try {
      parser.push(Buffer.from(`*1\r\n$${size}\r\n`));
      for (let i = 0; i < size; i += 65_536) parser.push(Buffer.alloc(65_536, 'x'));
      expect(parser.push(Buffer.from('\r\n')).commands[0]?.[0]?.length).toBe(size);
    } finally {
      Buffer.concat = concat;
    }
    expect(copied).toBeLessThan(2 * size);
  });
});

test('replies', () => {
  expect(encodeReply(['a', 1, 2n ** 60n, null, ok, [], new CommandError('ERR a\r\nb'), nullArray])).toBe(
    '*8\r\n$1\r\na\r\n:1\r\n:1152921504606846976\r\n$-1\r\n+OK\r\n*0\r\n-ERR a b\r\n*-1\r\n',
  );
});
