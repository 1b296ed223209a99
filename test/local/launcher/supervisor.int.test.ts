import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { identify, isAlive } from '../../../runtime/local/proc.ts';
import { type Part, type PartEvent, type PartSpec, supervise } from '../../../runtime/local/supervisor.ts';

/** A part that is a line of JavaScript: real processes, real signals. */
function stand(script: string, changes: Partial<PartSpec> = {}) {
  const bus = new EventEmitter();
  const lines: string[] = [];
  const events: PartEvent[] = [];
  let ready = false;
  const spec: PartSpec = {
    name: 'part',
    service: 'part',
    command: process.execPath,
    args: ['-e', script],
    env: {},
    cwd: '/',
    stopSignal: 'SIGTERM',
    hurrySignal: 'SIGKILL',
    stopWithinMs: 2_000,
    notReady: async () => (ready ? undefined : 'its word'),
    ...changes,
  };
  const part = supervise(spec, {
    policy: { firstMs: 20, mostMs: 100, stableMs: 60_000 },
    onLine: (_, line) => {
      if (line === 'up') ready = true;
      lines.push(line);
    },
    onEvent: (_, event) => {
      events.push(event);
    },
    onChange: () => bus.emit('change'),
  });
  const until = async (wanted: () => boolean) => {
    while (!wanted()) await once(bus, 'change');
  };
  return { part, lines, events, until, forgetReady: () => (ready = false) };
}

const alive = "console.log('up'); setInterval(() => {}, 1000)";
const parts: Part[] = [];
const keep = <T extends { part: Part }>(made: T) => {
  parts.push(made.part);
  return made;
};
afterEach(async () => {
  for (const part of parts.splice(0)) {
    part.hurry();
    await part.stop();
  }
});

describe('a supervised process', () => {
  test('is started again after kill -9, with another pid, and the restart is counted', async () => {
    const { part, until, events } = keep(stand(alive));
    await part.start();
    const first = part.status().pid as number;
    process.kill(first, 'SIGKILL');
    await until(() => part.status().restarts === 1 && part.status().state === 'ready');
    expect(part.status().pid).not.toBe(first);
    expect(events).toContainEqual(
      expect.objectContaining({ message: 'ended by SIGKILL; starting it again', waitMs: 20 }),
    );
  });

  test('waits longer after each death in a row', async () => {
    const { part, until, events } = keep(stand(alive));
    await part.start();
    for (const deaths of [1, 2, 3]) {
      await until(() => part.status().state === 'ready' && part.status().restarts === deaths - 1);
      process.kill(part.status().pid as number, 'SIGKILL');
      await until(() => part.status().restarts === deaths);
    }
    expect(events.map((event) => event['waitMs'])).toEqual([20, 40, 80]);
  });

  test('that cannot start is given up with its last words', async () => {
    const { part } = keep(stand("console.error('no disk left'); process.exit(1)"));
    await expect(part.start()).rejects.toThrow(/exited with code 1 before it was ready.*no disk left/s);
    expect(part.status().state).toBe('stopped');
  });

  test('with wrong settings (exit code 2) is not tried again', async () => {
    const { part, events } = keep(stand("console.error('IOT_X: unknown'); process.exit(2)"));
    await expect(part.start()).rejects.toThrow(/IOT_X: unknown/);
    expect(events).toHaveLength(1);
  });

  test('whose program is missing says so', async () => {
    const { part } = keep(stand('', { command: '/nowhere/redis-server' }));
    await expect(part.start()).rejects.toThrow(/ENOENT/);
  });

  test('is asked to stop, and ended when it does not', async () => {
    const deaf = "process.on('SIGTERM', () => console.log('not yet')); console.log('up'); setInterval(() => {}, 1000)";
    const { part, events, lines } = keep(stand(deaf, { stopWithinMs: 300 }));
    await part.start();
    const id = await identify(part.status().pid as number);
    await part.stop();
    expect(lines).toContain('not yet');
    expect(events).toContainEqual(expect.objectContaining({ message: 'did not stop within 300 ms: ending it' }));
    expect(await isAlive(id as NonNullable<typeof id>)).toBe(false);
    expect(part.status()).toMatchObject({ state: 'stopped', pid: null });
  });

  test('is ended at once in a hurry, though it does not listen', async () => {
    const deaf = "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)";
    const { part, events } = keep(stand(deaf, { stopWithinMs: 50_000 }));
    await part.start();
    const stopped = part.stop();
    part.hurry();
    await stopped;
    expect(part.status()).toMatchObject({ state: 'stopped', pid: null });
    expect(events).toEqual([]);
  });

  test('is not started again once stopped, also when it is waiting for its next try', async () => {
    const { part, until } = keep(stand(alive, {}));
    await part.start();
    process.kill(part.status().pid as number, 'SIGKILL');
    await until(() => part.status().state === 'restarting');
    await part.stop();
    await sleep(150); // longer than the wait of the next try: nothing may come
    expect(part.status()).toMatchObject({ state: 'stopped', pid: null });
  });

  test('gets exactly its environment, nothing of ours', async () => {
    process.env['IOT_STRAY'] = 'x';
    const script =
      "console.log(Object.keys(process.env).sort().join()); console.log('up'); setInterval(() => {}, 1000)";
    const { part, lines } = keep(stand(script, { env: { ONLY: 'this' } }));
    try {
      await part.start();
    } finally {
      delete process.env['IOT_STRAY'];
    }
    expect(lines[0]).toBe('ONLY');
  });

  test('says what it waits for until it is ready', async () => {
    const { part } = keep(stand('setInterval(() => {}, 1000)'));
    void part.start().catch(() => undefined);
    while (part.waitingFor() !== 'its word') await sleep(10);
    expect(part.status()).toMatchObject({ state: 'starting', readySeconds: null });
  });
});
