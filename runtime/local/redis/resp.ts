/**
 * RESP2, the server's side: bytes to commands, replies to text. Pure: no socket, no clock.
 *
 * Every argument and every reply is a *byte string*: a JavaScript string whose characters are bytes (0 to 255, latin1).
 * It holds any binary value without loss, its length is its size, and comparing two of them compares bytes as Redis does.
 *
 * Protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/
 */

/** What one client may send. Beyond a bound the reply is a protocol error and the connection closes. */
export type ProtocolBounds = {
  /** Bytes of one argument. */
  bulkBytes: number;
  /** Arguments of one command, its name included. */
  arguments: number;
  /** Bytes of one command, all arguments together. */
  commandBytes: number;
};

export const defaultProtocolBounds: ProtocolBounds = {
  bulkBytes: 16 * 1024 * 1024,
  arguments: 131_072,
  commandBytes: 32 * 1024 * 1024,
};

/** Commands completed by one chunk, in order, and the protocol error that ended the stream, if any. */
export type Parsed = { commands: string[][]; error: string | null };

export type CommandParser = {
  /** Takes the next bytes of the stream, cut anywhere. After an error it ignores all input. */
  push(chunk: Buffer): Parsed;
};

/** Longest header line (`*<count>`, `$<length>`) without its CRLF; 64-bit numbers need 21. */
const headerBytes = 32;
const [star, dollar, carriageReturn, lineFeed] = [42, 36, 13, 10];
const headerNumber = /^(?:-1|\d{1,15})$/;

export function createCommandParser(bounds: ProtocolBounds = defaultProtocolBounds): CommandParser {
  let chunks: Buffer[] = [];
  let held = 0; // bytes in `chunks`
  let needed = 0; // no progress is possible before this many bytes are held
  let argumentsLeft = 0; // of the command being read; 0 between commands
  let bulkLength = -1; // of the argument being read; -1 when its header is next
  let current: string[] = [];
  let currentBytes = 0;
  let broken = false;

  function push(chunk: Buffer): Parsed {
    const commands: string[][] = [];
    if (broken) return { commands, error: null };
    chunks.push(chunk);
    held += chunk.length;
    if (held < needed) return { commands, error: null };
    const bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks, held);
    try {
      keep(bytes, consume(bytes, commands));
      return { commands, error: null };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      broken = true;
      chunks = [];
      return { commands, error: error.message };
    }
  }

  /** Reads as far as the bytes go and returns how far that was. */
  function consume(bytes: Buffer, commands: string[][]): number {
    let at = 0;
    needed = 0;
    for (;;) {
      if (bulkLength >= 0) {
        const end = at + bulkLength;
        if (bytes.length < end + 2) {
          needed = end + 2 - at;
          return at;
        }
        if (bytes[end] !== carriageReturn || bytes[end + 1] !== lineFeed)
          throw new ProtocolError('argument is not followed by CRLF');
        current.push(bytes.toString('latin1', at, end));
        at = end + 2;
        bulkLength = -1;
        argumentsLeft -= 1;
        if (argumentsLeft === 0) {
          commands.push(current);
          current = [];
          currentBytes = 0;
        }
        continue;
      }
      const header = readHeader(bytes, at, argumentsLeft > 0 ? dollar : star);
      if (header === null) return at;
      at = header.next;
      if (argumentsLeft > 0) startArgument(header.value);
      else startCommand(header.value);
    }
  }

  function startCommand(count: number): void {
    if (count > bounds.arguments)
      throw new ProtocolError(`invalid multibulk length: ${count}, allowed are ${bounds.arguments}`);
    argumentsLeft = Math.max(count, 0); // an empty or null array is no command, as on a real server
  }

  function startArgument(length: number): void {
    if (length < 0 || length > bounds.bulkBytes)
      throw new ProtocolError(`invalid bulk length: ${length}, allowed are 0 to ${bounds.bulkBytes}`);
    currentBytes += length;
    if (currentBytes > bounds.commandBytes)
      throw new ProtocolError(`command is longer than ${bounds.commandBytes} bytes`);
    bulkLength = length;
  }

  function keep(bytes: Buffer, from: number): void {
    held = bytes.length - from;
    chunks = held === 0 ? [] : [bytes.subarray(from)];
  }

  return { push };
}

/** The number of a header line that starts at `at`, or null while the line is incomplete. */
function readHeader(bytes: Buffer, at: number, expected: number): { value: number; next: number } | null {
  const first = bytes[at];
  if (first === undefined) return null;
  if (first !== expected) {
    const got = JSON.stringify(String.fromCharCode(first));
    throw expected === star
      ? new ProtocolError(`expected '*', got ${got}: inline commands are not supported, send RESP arrays`)
      : new ProtocolError(`expected '$', got ${got}`);
  }
  const limit = Math.min(bytes.length, at + 1 + headerBytes + 1);
  let end = at + 1;
  while (end < limit && bytes[end] !== carriageReturn) end += 1;
  if (end === limit) {
    if (limit === at + 1 + headerBytes + 1) throw new ProtocolError('count line is too long');
    return null;
  }
  const following = bytes[end + 1];
  if (following === undefined) return null;
  const text = bytes.toString('latin1', at + 1, end);
  if (following !== lineFeed || !headerNumber.test(text))
    throw new ProtocolError(expected === star ? 'invalid multibulk length' : 'invalid bulk length');
  return { value: Number(text), next: end + 2 };
}

class ProtocolError extends Error {}

/** A status line such as `+OK`. */
export class Status {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** An error reply; its first word is the code (`ERR`, `WRONGTYPE`, …). Commands throw it. */
export class CommandError extends Error {}

/** The null array, reply of an EXEC whose watched keys changed. */
export const nullArray = Symbol('null array');

export type Reply = string | number | bigint | null | Status | CommandError | typeof nullArray | Reply[];

export const ok = new Status('OK');

/** RESP2 text of a reply, one character a byte. */
export function encodeReply(reply: Reply): string {
  if (typeof reply === 'string') return `$${reply.length}\r\n${reply}\r\n`;
  if (typeof reply === 'number' || typeof reply === 'bigint') return `:${reply}\r\n`;
  if (reply === null) return '$-1\r\n';
  if (reply === nullArray) return '*-1\r\n';
  if (reply instanceof Status) return `+${reply.text}\r\n`;
  if (reply instanceof CommandError) return `-${reply.message.replaceAll(/[\r\n]+/g, ' ')}\r\n`;
  let text = `*${reply.length}\r\n`;
  for (const item of reply) text += encodeReply(item);
  return text;
}
