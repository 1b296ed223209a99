import { connect, createServer, type Socket } from 'node:net';
import { freePort } from '../support/ports.ts';

/** A TCP passage to a port of loopback that can be shut: what goes through breaks, and nothing new is let in. */
export async function startGate(to: number) {
  const sockets = new Set<Socket>();
  let isOpen = true;
  const server = createServer((from) => {
    if (!isOpen) return void from.destroy();
    const onward = connect(to, '127.0.0.1');
    for (const [a, b] of [
      [from, onward],
      [onward, from],
    ] as const) {
      sockets.add(a);
      a.pipe(b);
      a.on('error', () => b.destroy());
      a.on('close', () => {
        sockets.delete(a);
        b.destroy();
      });
    }
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port,
    shut() {
      isOpen = false;
      for (const socket of sockets) socket.destroy();
    },
    open() {
      isOpen = true;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
