/** One event a line; `fields` are plain values. */
export type Log = (severity: 'INFO' | 'WARNING' | 'ERROR', message: string, fields?: Record<string, unknown>) => void;

/** JSON lines with the field names of Cloud Logging (https://cloud.google.com/logging/docs/structured-logging). */
export function createJsonLog(write: (line: string) => void): Log {
  return (severity, message, fields) => {
    write(`${JSON.stringify({ severity, time: new Date().toISOString(), service: 'pubsub', message, ...fields })}\n`);
  };
}

export const silentLog: Log = () => undefined;
