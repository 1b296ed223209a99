import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { DataFolder } from './folder.ts';
import { isAlive, type ProcessId, ticksPerSecond } from './proc.ts';

/** What the launcher tells of its platform: one JSON file of mode 0600 in the data folder. */
export type PlatformStatus = {
  version: 1;
  launcher: ProcessId;
  state: 'starting' | 'ready' | 'stopping' | 'stopped';
  data: string;
  urls: { dashboard: string; api: string; mqtt: string; enrol: string };
  /** PEM of the CA that a device trusts for the gateway. */
  ca: string;
  stores: { postgres: string[]; redis: string; pubsub: string };
  processes: PartStatus[];
  /** ISO time of this writing. */
  at: string;
};

export type PartStatus = {
  name: string;
  pid: number | null;
  startTicks: number | null;
  state: 'waiting' | 'starting' | 'ready' | 'restarting' | 'stopped';
  /** ISO time; null before the first start. */
  startedAt: string | null;
  restarts: number;
  /** Cores used over the last two seconds. */
  cpu: number | null;
  rssBytes: number | null;
  /** Seconds from spawn to the first readiness. */
  readySeconds: number | null;
};

const fileIn = (folder: DataFolder) => folder.at('platform.json');

/** Replaces the file whole; a reader never sees half of one. Synchronous, so that a spawned pid is on disk at once. */
export function writeStatus(folder: DataFolder, status: PlatformStatus): void {
  const path = fileIn(folder);
  writeFileSync(`${path}.new`, `${JSON.stringify(status)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** @returns undefined when the folder never had a platform. */
export function readStatus(folder: DataFolder): PlatformStatus | undefined {
  let text: string;
  try {
    text = readFileSync(fileIn(folder), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  return JSON.parse(text) as PlatformStatus;
}

/** The status of a platform whose launcher runs now. */
export async function readRunning(folder: DataFolder): Promise<PlatformStatus | undefined> {
  const status = readStatus(folder);
  return status !== undefined && (await isAlive(status.launcher)) ? status : undefined;
}

/** Cores used between two samples; null before the second, and when a restart lies between. */
export function coresUsed(
  before: { pid: number; cpuTicks: number; atMs: number } | undefined,
  now: { pid: number; cpuTicks: number; atMs: number },
): number | null {
  if (before === undefined || before.pid !== now.pid || now.atMs <= before.atMs) return null;
  const seconds = (now.atMs - before.atMs) / 1_000;
  // Ticks fall when a child of Postgres ends before we counted it among the ended ones.
  const used = Math.max(0, now.cpuTicks - before.cpuTicks) / ticksPerSecond / seconds;
  return Math.round(used * 1_000) / 1_000;
}
