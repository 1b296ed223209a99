/** Pure half of the platform's log: cutting a child's output into lines, and giving every line the same shape. */

export const longestLine = 65_536;

/** Cuts chunks into lines; a line beyond `longestLine` is cut there, its rest becomes the next line. */
export function lineCutter(onLine: (line: string) => void): { push(chunk: string): void; end(): void } {
  let rest = '';
  return {
    push(chunk) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) cut(line);
      while (rest.length > longestLine) {
        onLine(rest.slice(0, longestLine));
        rest = rest.slice(longestLine);
      }
    },
    end() {
      if (rest !== '') cut(rest);
      rest = '';
    },
  };
  function cut(line: string) {
    for (let at = 0; at < line.length; at += longestLine) onLine(line.slice(at, at + longestLine));
  }
}

/**
 * One JSON object a line: a service's own line as it is, anything else (Postgres, Redis, a crash of Node) wrapped.
 * @param origin which part wrote it
 */
export function toLogLine(line: string, origin: { service: string; instance: string }, now: Date): string {
  if (line.startsWith('{') && line.endsWith('}') && isLogObject(line)) return line;
  const message = line.trimEnd();
  return JSON.stringify({ severity: severityOf(message), time: now.toISOString(), ...origin, message });
}

function isLogObject(line: string): boolean {
  try {
    return typeof (JSON.parse(line) as { message?: unknown }).message === 'string';
  } catch {
    return false; // not JSON: the caller wraps it, nothing is lost
  }
}

function severityOf(message: string): string {
  if (/\b(FATAL|PANIC)\b/.test(message)) return 'CRITICAL';
  if (/\bERROR\b|Error:/.test(message)) return 'ERROR';
  if (/\bWARNING\b/.test(message)) return 'WARNING';
  return 'INFO';
}

export type LogEntry = {
  time?: string;
  severity?: string;
  service?: string;
  instance?: string;
  message?: string;
  trace?: string;
  [other: string]: unknown;
};

export function parseLogLine(line: string): LogEntry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as LogEntry) : undefined;
  } catch {
    return undefined; // a line torn by a kill: it is skipped in the pretty view, `--json` prints it raw
  }
}

/** Whether a line belongs to a trace: a message's id, a request's trace id, or the start of one (8 digits or more). */
export function belongsTo(entry: LogEntry, trace: string): boolean {
  return traceOf(entry)?.startsWith(trace) === true;
}

function traceOf(entry: LogEntry): string | undefined {
  const named = entry.trace ?? entry['logging.googleapis.com/trace'];
  return typeof named === 'string' ? named.slice(named.lastIndexOf('/') + 1) : undefined;
}

const shown = new Set(['time', 'severity', 'service', 'instance', 'message', 'trace', 'pid', 'hostname']);
const short: Record<string, string> = {
  DEBUG: 'debug',
  INFO: 'info',
  WARNING: 'warn',
  ERROR: 'ERROR',
  CRITICAL: 'FATAL',
};

/** A line for people: time, severity, part, message, the rest as `key=value`. `paint` colours by severity. */
export function prettyLine(entry: LogEntry, paint: (severity: string, text: string) => string): string {
  const severity = entry.severity ?? 'INFO';
  const rest = Object.entries(entry)
    .filter(([key]) => !shown.has(key) && !key.startsWith('logging.googleapis.com/'))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const trace = traceOf(entry);
  if (trace !== undefined) rest.push(`trace=${trace}`);
  const head = [
    (entry.time ?? '').slice(11, 23).padEnd(12),
    paint(severity, (short[severity] ?? severity.toLowerCase()).padEnd(5)),
    (entry.instance ?? entry.service ?? '').padEnd(10),
  ].join(' ');
  return `${head} ${entry.message ?? ''}${rest.length > 0 ? `  ${paint('DIM', rest.join(' '))}` : ''}`;
}
