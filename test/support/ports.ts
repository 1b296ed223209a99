import { createServer } from 'node:net';
import { planPorts } from '../../runtime/local/ports.ts';
import { holderOf } from '../../runtime/local/proc.ts';

// Processes that were started one after the other begin hundreds of ports apart: they look and bind at the same time.
let next = 20_000 + ((process.pid * 7_919) % 10_000);

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

/** A `--port-base` all of whose ports were free a moment ago. */
export async function freePortBase(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const base = 19_000 + ((process.pid * 31 + tries * 1_009) % 12_000);
    const taken = await Promise.all(Object.values(planPorts(base)).map((port) => holderOf(port)));
    if (taken.every((holder) => holder === undefined)) return base;
  }
  throw new Error('no free port base between 19000 and 31000');
}
