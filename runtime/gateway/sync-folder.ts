import { open } from 'node:fs/promises';

/** A new file's name is durable only with its folder: https://man7.org/linux/man-pages/man2/fsync.2.html */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
