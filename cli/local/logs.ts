import { existsSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { belongsTo, lineCutter, parseLogLine, prettyLine } from '../../runtime/local/log-lines.ts';
import { platformLogPath } from '../../runtime/local/platform-log.ts';
import { localFolder } from '../connection.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../errors.ts';

export type LogsOptions = { data?: string; trace?: string; follow?: boolean; lines?: number; json?: boolean };

const keptFiles = 3;
const followEveryMs = 200;

/** The log, oldest line first: rotated files, then the present one. */
export async function logs(options: LogsOptions, { output }: Context): Promise<void> {
  const folder = await localFolder(options.data);
  const path = platformLogPath(folder);
  if (!existsSync(path)) throw new CommandError(`no log in ${folder.root}: no platform was started there yet`);
  const show = (line: string) => {
    const text = shownAs(line, options, output.paint);
    if (text !== undefined) output.print(text);
  };

  const most = options.lines ?? (options.trace === undefined ? 200 : Number.POSITIVE_INFINITY);
  const last: string[] = [];
  const keep = (line: string) => {
    if (options.trace !== undefined && !isOf(line, options.trace)) return;
    last.push(line);
    if (last.length > most * 2) last.splice(0, last.length - most);
  };
  let place = 0;
  for (let n = keptFiles; n >= 0; n--) place = await readFrom(n === 0 ? path : `${path}.${n}`, 0, keep);
  for (const line of most === Number.POSITIVE_INFINITY ? last : last.slice(-most)) show(line);
  if (options.follow === true) await follow(path, place, show);
}

/** Until the process ends. The file is asked for its size: watching for changes misses some on network file systems. */
async function follow(path: string, from: number, show: (line: string) => void): Promise<never> {
  let place = from;
  let inode = (await stat(path)).ino;
  const cutter = lineCutter(show);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, followEveryMs));
    const now = await stat(path).catch(() => undefined); // between the two renames of a rotation
    if (now === undefined) continue;
    if (now.ino !== inode) {
      await readChunks(`${path}.1`, place, cutter.push);
      inode = now.ino;
      place = 0;
    }
    if (now.size > place) place = await readChunks(path, place, cutter.push);
  }
}

async function readFrom(path: string, from: number, onLine: (line: string) => void): Promise<number> {
  if (!existsSync(path)) return 0;
  const cutter = lineCutter(onLine);
  const place = await readChunks(path, from, cutter.push);
  cutter.end();
  return place;
}

async function readChunks(path: string, from: number, push: (chunk: string) => void): Promise<number> {
  const file = await open(path, 'r');
  let place = from;
  try {
    for await (const chunk of file.createReadStream({ start: from, autoClose: false })) {
      place += (chunk as Buffer).length;
      push((chunk as Buffer).toString('utf8'));
    }
  } finally {
    await file.close();
  }
  return place;
}

function isOf(line: string, trace: string): boolean {
  if (!line.includes(trace)) return false; // most lines are not: parsed are only those that may be
  const entry = parseLogLine(line);
  return entry !== undefined && belongsTo(entry, trace);
}

function shownAs(line: string, { json, trace }: LogsOptions, paint: Context['output']['paint']): string | undefined {
  if (trace !== undefined && !isOf(line, trace)) return undefined;
  if (json === true) return line;
  const entry = parseLogLine(line);
  return entry === undefined ? line : prettyLine(entry, painter(paint));
}

function painter(paint: Context['output']['paint']) {
  return (severity: string, text: string) => {
    if (severity === 'WARNING') return paint.yellow(text);
    if (severity === 'ERROR' || severity === 'CRITICAL') return paint.red(text);
    return severity === 'INFO' ? text : paint.dim(text);
  };
}
