import { createLog, type Log } from '../platform/service/log.ts';
import type { DataFolder } from './folder.ts';
import { openLogFile } from './log-file.ts';
import { toLogLine } from './log-lines.ts';
import type { PartEvent, PartSpec } from './supervisor.ts';

export type PlatformLog = {
  /** A line that a part wrote. */
  line(spec: PartSpec, line: string): void;
  /** What the supervisor says of a part. */
  event(spec: PartSpec, event: PartEvent): void;
  /** The launcher's own. */
  launcher: Log;
  close(): void;
};

export const platformLogPath = (folder: DataFolder) => folder.at('logs', 'platform.log');

/** All parts' lines in one bounded file: four files of 64 MiB at most. */
export function openPlatformLog(folder: DataFolder): PlatformLog {
  const file = openLogFile({ path: platformLogPath(folder), maxBytes: 64 * 1024 * 1024, keep: 3 });
  const launcher = createLog({
    service: 'launcher',
    instance: 'launcher',
    level: 'info',
    destination: { write: (line) => file.write(line.trimEnd()) },
  });
  return {
    launcher,
    line: (spec, line) => file.write(toLogLine(line, { service: spec.service, instance: spec.name }, new Date())),
    event: (spec, { severity, message, ...details }) => {
      const write = { INFO: launcher.info, WARNING: launcher.warn, ERROR: launcher.error }[severity];
      write.call(launcher, { part: spec.name, ...details }, `${spec.name}: ${message}`);
    },
    close: file.close,
  };
}
