import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { launchRedis } from '../../../runtime/local/redis/launch.ts';
import { type defaultBounds, startRedisStandIn } from '../../../runtime/local/redis/server.ts';
import { quietLog } from '../../support/log.ts';
import { freePort } from '../../support/ports.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

async function server(bounds: Partial<typeof defaultBounds> = {}) {
  const problems: string[] = [];
  const standIn = await startRedisStandIn({
    port: await freePort(),
    bounds,
    onProblem: (problem) => problems.push(problem),
  });
  cleanup.push(standIn.close);
  return { ...standIn, problems };
}

async function raw(port: number): Promise<{ socket: Socket; received: () => string }> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => socket.destroy()); // a reset is one of the ways to be closed
  await once(socket, 'connect');
  cleanup.push(() => socket.destroy());
  return { socket, received: () => text };
}

describe('sockets of the stand-in', () => {
  test('a protocol error is answered and closes that client only', async () => {
    const { port, problems } = await server();
    const good = await raw(port);
    const bad = await raw(port);
    bad.socket.write('*1\r\n$4\r\nPING\r\nGET / HTTP/1.1\r\n\r\n');
    await once(bad.socket, 'close');
    expect(bad.received()).toMatch(/^\+PONG\r\n-ERR Protocol error: expected '\*', got "G"/);
    good.socket.write('*1\r\n$4\r\nPING\r\n');
    await vi.waitFor(() => expect(good.received()).toBe('+PONG\r\n'));
    expect(problems.join()).toContain('protocol error');
  });

  test('QUIT answers what came before it and nothing after', async () => {
    const { port } = await server();
    const { socket, received } = await raw(port);
    socket.write('*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n*1\r\n$4\r\nPING\r\n');
    await once(socket, 'close');
    expect(received()).toBe('+PONG\r\n+OK\r\n');
  });

  test('one client too many is told so; room comes back', async () => {
    const { port } = await server({ clients: 2 });
    const [first] = [await raw(port), await raw(port)];
    const third = await raw(port);
    await once(third.socket, 'close');
    expect(third.received()).toBe('-ERR max number of clients reached\r\n');
    first?.socket.destroy();
    const answer = async () => {
      const next = await raw(port);
      next.socket.write('*1\r\n$4\r\nPING\r\n');
      await once(next.socket, 'data');
      return next.received();
    };
    await vi.waitFor(async () => expect(await answer()).toBe('+PONG\r\n'), 10_000);
  });

  test('a refused client that never closes its side is cut off', async () => {
    const { port } = await server({ clients: 0 });
    const stubborn = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    cleanup.push(() => stubborn.destroy());
    stubborn.on('error', () => stubborn.destroy()); // EPIPE or a reset: the end that is awaited
    const closed = new Promise((done) => stubborn.on('close', done));
    stubborn.resume();
    const writing = setInterval(() => stubborn.write('x'), 20); // never idle
    cleanup.push(() => clearInterval(writing));
    await closed;
  });

  test('a subscriber that does not read is closed, and the publisher goes on', async () => {
    const { port, problems } = await server({ outputBytes: 2_000_000 });
    const lazy = await raw(port);
    lazy.socket.write('*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n');
    await vi.waitFor(() => expect(lazy.received()).toContain('subscribe'));
    lazy.socket.pause();
    const publisher = new Redis({ host: '127.0.0.1', port, protocol: 2 });
    cleanup.push(() => publisher.disconnect());
    const message = 'x'.repeat(500_000);
    await vi.waitFor(async () => expect(await publisher.publish('c', message)).toBe(0), 20_000);
    expect(problems.join()).toContain('it does not read');
  });

  test('a client that reads late gets all its replies, in order, and is served no further meanwhile', async () => {
    const { port, problems } = await server({ outputBytes: 4_000_000 });
    const writer = new Redis({ host: '127.0.0.1', port, protocol: 2 });
    cleanup.push(() => writer.disconnect());
    await writer.set('large', 'x'.repeat(100_000));
    const late = connect(port, '127.0.0.1');
    cleanup.push(() => late.destroy());
    let [bytes, tail] = [0, ''];
    late.on('data', (chunk) => {
      bytes += chunk.length;
      tail = (tail + chunk.toString('latin1')).slice(-20);
    });
    await once(late, 'connect');
    late.pause();
    const steps = '*2\r\n$3\r\nGET\r\n$5\r\nlarge\r\n*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n';
    late.write(steps.repeat(300)); // 30 MB of replies
    await vi.waitFor(async () => expect(Number(await writer.get('n'))).toBeGreaterThan(0));
    expect(Number(await writer.get('n'))).toBeLessThan(300);
    late.resume();
    await vi.waitFor(() => expect(tail.endsWith(':300\r\n')).toBe(true), 30_000);
    expect(bytes).toBeGreaterThan(30_000_000);
    late.write('*1\r\n$4\r\nPING\r\n');
    await vi.waitFor(() => expect(tail.endsWith('+PONG\r\n')).toBe(true), 5_000);
    expect(problems).toEqual([]);
  });
});

describe('launch', () => {
  async function spawnPlan(plan: Awaited<ReturnType<typeof launchRedis>>): Promise<ChildProcess> {
    const child = spawn(plan.command, plan.args, { env: plan.env, stdio: ['ignore', 'pipe', 'inherit'] });
    cleanup.push(() => child.kill('SIGKILL'));
    return child;
  }

  test('without a server on PATH: the stand-in as a process, JSON lines, ends in order', async () => {
    const plan = await launchRedis({ port: await freePort(), dataDir: '/nonexistent', log: quietLog, path: '' });
    expect(plan.kind).toBe('stand-in');
    const child = await spawnPlan(plan);
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += chunk;
    });
    await vi.waitFor(() => expect(output).toContain('"started"'), 20_000);
    const client = new Redis(plan.url, { protocol: 2 });
    client.on('error', () => undefined); // its server is about to leave
    cleanup.push(() => client.disconnect());
    expect(await client.set('a', '1')).toBe('OK');
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
    for (const line of output.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ service: 'redis' });
    expect(output).toContain('"stopped"');
  });

  test('a wrong port is refused in one sentence', async () => {
    const plan = await launchRedis({ port: 1, dataDir: '/nonexistent', log: quietLog, path: '' });
    const child = spawn(plan.command, plan.args, { env: { REDIS_PORT: 'x' }, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    expect((await once(child, 'close'))[0]).toBe(2);
    expect(errors).toBe("redis: REDIS_PORT is 'x', allowed is 1 to 65535\n");
  });

  test('a server on PATH is taken, valkey first, loopback and without persistence', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'iot-test-launch-'));
    cleanup.push(() => rm(dir, { recursive: true, force: true }));
    const plan = () => launchRedis({ port: 20_001, dataDir: dir, log: quietLog, path: `/nonexistent:${dir}` });
    await writeFile(join(dir, 'redis-server'), '');
    expect((await plan()).kind).toBe('stand-in'); // not executable
    await chmod(join(dir, 'redis-server'), 0o755);
    expect(await plan()).toMatchObject({ kind: 'redis-server', command: join(dir, 'redis-server') });
    await writeFile(join(dir, 'valkey-server'), '', { mode: 0o755 });
    const { kind, args } = await plan();
    expect(kind).toBe('valkey-server');
    expect(args.join(' ')).toContain(
      '--port 20001 --bind 127.0.0.1 --protected-mode yes --daemonize no --save  --appendonly no',
    );
  });
});
