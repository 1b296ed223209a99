import { closeSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

/** The platform's one log file, bounded: at `maxBytes` it is renamed to `.1`, `.1` to `.2`, …; `keep` old ones stay. */
export type LogFile = { write(line: string): void; close(): void };

export function openLogFile(options: { path: string; maxBytes: number; keep: number }): LogFile {
  const { path, maxBytes, keep } = options;
  let descriptor = openSync(path, 'a', 0o600);
  let bytes = fstatSync(descriptor).size;
  let waiting = '';
  let timer: NodeJS.Timeout | undefined;

  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting === '') return;
    const chunk = Buffer.from(waiting);
    waiting = '';
    if (bytes > 0 && bytes + chunk.length > maxBytes) rotate();
    for (let at = 0; at < chunk.length; ) at += writeSync(descriptor, chunk, at);
    bytes += chunk.length;
  };
  const rotate = () => {
    closeSync(descriptor);
    rmSync(`${path}.${keep}`, { force: true });
    for (let n = keep - 1; n >= 0; n--) renameIfThere(n === 0 ? path : `${path}.${n}`, `${path}.${n + 1}`);
    descriptor = openSync(path, 'a', 0o600);
    bytes = 0;
  };
  return {
    write(line) {
      waiting += `${line}\n`;
      // One write a hundredth of a second at most, unless much has come: a part's start-up burst is hundreds of lines.
      if (waiting.length > 65_536) flush();
      else timer ??= setTimeout(flush, 10);
    },
    close() {
      flush();
      closeSync(descriptor);
    },
  };
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
