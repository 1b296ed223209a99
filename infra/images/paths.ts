import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of this clone. */
export const cloneRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

export const lockPath = (root: string): string => join(root, 'infra/images/base.lock.json');

/** Inside the checkout; npm's own convention for what tools keep. */
export const cacheFolder = 'node_modules/.cache/iot-images';
