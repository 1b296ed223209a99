import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';

export type Log = Logger;

/**
 * JSON lines that Cloud Logging understands without an agent's help: `severity`, `message`, `time`, and
 * `logging.googleapis.com/trace` when a line belongs to a trace
 * (https://cloud.google.com/logging/docs/structured-logging#special-payload-fields).
 * A child with `{ trace }` marks every line of one message or request (law 6).
 */
export function createLog(options: {
  service: string;
  instance: string;
  level: string;
  /** Default: standard output. */
  destination?: DestinationStream;
}): Log {
  const settings: LoggerOptions = {
    level: options.level,
    messageKey: 'message',
    base: { service: options.service, instance: options.instance },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ severity: severities[label] ?? 'DEFAULT' }) },
    redact: {
      paths: [
        'password',
        'secret',
        'token',
        'authorization',
        '*.password',
        '*.secret',
        '*.token',
        '*.authorization',
        'headers.cookie',
      ],
      censor: '[redacted]',
    },
    errorKey: 'error',
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}

const severities: Record<string, string> = {
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL',
};
