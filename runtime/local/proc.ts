import { readdir, readFile, readlink } from 'node:fs/promises';

/** What /proc says of processes (Linux only). A process that is gone is `undefined`, never an error. */

/** A process's identity: a pid alone is handed out again after a while, with its start time it is not. */
export type ProcessId = { pid: number; startTicks: number };

/** Fields of `/proc/<pid>/stat` (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html). */
export type ProcStat = { state: string; parent: number; cpuTicks: number; childCpuTicks: number; startTicks: number };

/** Pure; the command name in parentheses may itself hold spaces and parentheses. */
export function parseStat(text: string): ProcStat | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const number = (field: number) => Number(fields[field - 3]);
  const stat = {
    state: fields[0] ?? '',
    parent: number(4),
    cpuTicks: number(14) + number(15),
    childCpuTicks: number(16) + number(17),
    startTicks: number(22),
  };
  return Number.isFinite(stat.cpuTicks) && Number.isFinite(stat.startTicks) ? stat : undefined;
}

export async function statOf(pid: number): Promise<ProcStat | undefined> {
  const text = await readOrNothing(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

/** Whether this very process still runs. A zombie has ended. */
export async function isAlive(id: ProcessId): Promise<boolean> {
  const stat = await statOf(id.pid);
  return stat !== undefined && stat.startTicks === id.startTicks && stat.state !== 'Z' && stat.state !== 'X';
}

export async function identify(pid: number): Promise<ProcessId | undefined> {
  const stat = await statOf(pid);
  return stat === undefined ? undefined : { pid, startTicks: stat.startTicks };
}

export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readOrNothing(`/proc/${pid}/task/${pid}/children`);
  return (text ?? '').split(' ').filter(Boolean).map(Number);
}

const pageBytes = 4_096;
/** USER_HZ is 100 on every Linux that Node supports. */
export const ticksPerSecond = 100;

/**
 * CPU time and memory of a process and its direct children (Postgres works in them). Shared memory counts once.
 */
export async function usageOf(pid: number): Promise<{ cpuTicks: number; rssBytes: number } | undefined> {
  const own = await statOf(pid);
  if (own === undefined) return undefined;
  const pids = [pid, ...(await childrenOf(pid))];
  let cpuTicks = own.childCpuTicks;
  let privatePages = 0;
  let sharedPages = 0;
  for (const each of pids) {
    const stat = await statOf(each);
    const memory = (await readOrNothing(`/proc/${each}/statm`))?.split(' ').map(Number);
    cpuTicks += stat?.cpuTicks ?? 0;
    const [, resident = 0, shared = 0] = memory ?? [];
    privatePages += resident - shared;
    sharedPages = Math.max(sharedPages, shared);
  }
  return { cpuTicks, rssBytes: (privatePages + sharedPages) * pageBytes };
}

export async function commandOf(pid: number): Promise<string | undefined> {
  const text = await readOrNothing(`/proc/${pid}/cmdline`);
  return text?.split('\0').filter(Boolean).join(' ');
}

/** Inode of the socket that listens on `port`, from the text of `/proc/net/tcp` or `tcp6`. Pure. */
export function listeningInode(table: string, port: number): string | undefined {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  for (const line of table.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields[1]?.endsWith(`:${hexPort}`) && fields[3] === '0A') return fields[9];
  }
  return undefined;
}

/**
 * Who listens on a TCP port. Another user's process can only be named by root, so the answer may lack the pid.
 * @returns undefined when nobody listens.
 */
export async function holderOf(port: number): Promise<{ pid?: number; command?: string } | undefined> {
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const inode = listeningInode((await readOrNothing(table)) ?? '', port);
    if (inode === undefined) continue;
    const pid = await ownerOfSocket(inode);
    if (pid === undefined) return {};
    const command = await commandOf(pid);
    return command === undefined ? { pid } : { pid, command };
  }
  return undefined;
}

async function ownerOfSocket(inode: string): Promise<number | undefined> {
  const wanted = `socket:[${inode}]`;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const descriptors = await readdir(`/proc/${entry}/fd`).catch(unreadable<string[]>([]));
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${entry}/fd/${descriptor}`).catch(unreadable(''));
      if (target === wanted) return Number(entry);
    }
  }
  return undefined;
}

async function readOrNothing(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(unreadable<string | undefined>(undefined));
}

/** Processes come and go while we read, and other users' are closed to us: both are answers. Anything else is not. */
function unreadable<T>(instead: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(error.code ?? '')) return instead;
    throw error;
  };
}
