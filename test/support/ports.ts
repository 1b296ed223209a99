import { createServer } from 'node:net';

let next = 20_000 + ((process.pid * 37) % 10_000);

/** A TCP port of loopback that was free a moment ago, between 20,000 and 32,000: below the kernel's ephemeral range. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    next = next >= 31_999 ? 20_000 : next + 1;
    const port = next;
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error('no free port between 20000 and 32000');
}
