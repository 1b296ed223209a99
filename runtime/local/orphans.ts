import type { DataFolder } from './folder.ts';
import { isAlive, type ProcessId } from './proc.ts';
import { readStatus } from './status.ts';

/**
 * Ends what a launcher left running that was itself killed: processes of the status file whose start time still is
 * the one written there, so that a pid handed out again to somebody else is never touched.
 * @returns names of the parts that were ended.
 */
export async function endOrphans(folder: DataFolder): Promise<string[]> {
  const status = readStatus(folder);
  const ended: string[] = [];
  // Services first and stores last, the order of an ordinary stop.
  for (const part of [...(status?.processes ?? [])].reverse()) {
    if (part.pid === null || part.startTicks === null) continue;
    const id = { pid: part.pid, startTicks: part.startTicks };
    if (!(await isAlive(id))) continue;
    await endProcess(id, { signal: part.name === 'postgres' ? 'SIGINT' : 'SIGTERM', withinMs: 5_000 });
    ended.push(part.name);
  }
  return ended;
}

/** Asks a process that is not our child to end, and ends it after the deadline. Resolves when it is gone. */
export async function endProcess(id: ProcessId, how: { signal: NodeJS.Signals; withinMs: number }): Promise<void> {
  send(id.pid, 'SIGCONT');
  send(id.pid, how.signal);
  if (await gone(id, how.withinMs)) return;
  send(id.pid, 'SIGKILL');
  if (!(await gone(id, 5_000))) throw new Error(`process ${id.pid} did not end after SIGKILL`);
}

/** No event tells of the end of a process that is not our child; /proc is asked each 25 ms. */
async function gone(id: ProcessId, withinMs: number): Promise<boolean> {
  for (const deadline = performance.now() + withinMs; performance.now() < deadline; ) {
    if (!(await isAlive(id))) return true;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return !(await isAlive(id));
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
