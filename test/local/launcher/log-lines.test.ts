import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  belongsTo,
  lineCutter,
  longestLine,
  parseLogLine,
  prettyLine,
  toLogLine,
} from '../../../runtime/local/log-lines.ts';

const origin = { service: 'postgres', instance: 'postgres' };
const now = new Date('2026-11-22T10:00:00.000Z');
const plain = (_: string, text: string) => text;

describe('cutting', () => {
  test('however the bytes are split, the same lines come out', () => {
    const lines = fc.array(fc.string({ maxLength: 40 }).map((text) => text.replaceAll('\n', '')));
    fc.assert(
      fc.property(lines, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (wanted, sizes) => {
        const text = wanted.map((line) => `${line}\n`).join('');
        const got: string[] = [];
        const cutter = lineCutter((line) => got.push(line));
        for (let at = 0, i = 0; at < text.length; i++) {
          const size = sizes[i % sizes.length] as number;
          cutter.push(text.slice(at, at + size));
          at += size;
        }
        cutter.end();
        expect(got.filter(Boolean)).toEqual(wanted.filter(Boolean));
      }),
    );
  });

  test('a line without an end is passed on in pieces, so that memory is bounded', () => {
    const got: string[] = [];
    const cutter = lineCutter((line) => got.push(line));
    for (let i = 0; i < 5; i++) cutter.push('x'.repeat(longestLine));
    expect(got.length).toBeGreaterThanOrEqual(4);
    cutter.end();
    expect(got.join('')).toHaveLength(5 * longestLine);
    expect(Math.max(...got.map((line) => line.length))).toBeLessThanOrEqual(longestLine);
  });

  test('the last line counts also without its newline', () => {
    const got: string[] = [];
    const cutter = lineCutter((line) => got.push(line));
    cutter.push('last words');
    cutter.end();
    expect(got).toEqual(['last words']);
  });
});

describe('shape', () => {
  test('a service line stays as it is, to the byte', () => {
    const line = '{"severity":"INFO","message":"started","n":1.0}';
    expect(toLogLine(line, origin, now)).toBe(line);
  });

  test.each([
    ['2026-11-22 UTC [5] FATAL:  no', 'CRITICAL'],
    ['2026-11-22 UTC [5] ERROR:  bad', 'ERROR'],
    ['TypeError: x is not a function', 'ERROR'],
    ['WARNING Memory overcommit', 'WARNING'],
    ['LOG:  database system is ready', 'INFO'],
    ['{"not":"a log line"}', 'INFO'],
    ['{torn', 'INFO'],
  ])('%s is wrapped as %s', (line, severity) => {
    expect(JSON.parse(toLogLine(line, origin, now))).toEqual({
      severity,
      time: '2026-11-22T10:00:00.000Z',
      ...origin,
      message: line,
    });
  });
});

describe('reading', () => {
  const trace = '0af7651916cd43dd8448eb211c80319c';

  test.each([
    ['its own field', { trace }, trace, true],
    ["Cloud Logging's field", { 'logging.googleapis.com/trace': `projects/p/traces/${trace}` }, trace, true],
    ['the first digits', { trace }, trace.slice(0, 8), true],
    ['another trace', { trace: 'f'.repeat(32) }, trace, false],
    ['a line of no trace that mentions it', { message: trace }, trace, false],
  ])('a line belongs to a trace by %s', (_, entry, wanted, expected) => {
    expect(belongsTo(entry, wanted)).toBe(expected);
  });

  test('a torn line is none', () => {
    expect(parseLogLine('{"message":"to')).toBeUndefined();
  });

  test('for people: time, severity, part, message, the rest', () => {
    const entry = {
      time: '2026-11-22T10:00:01.234Z',
      severity: 'WARNING',
      instance: 'gateway',
      message: 'slow',
      ms: 12,
      trace,
    };
    expect(prettyLine(entry, plain)).toBe(`10:00:01.234 warn  gateway    slow  ms=12 trace=${trace}`);
  });
});
