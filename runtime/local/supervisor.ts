import { type ChildProcess, spawn } from 'node:child_process';
import { LaunchError } from './errors.ts';
import { lineCutter } from './log-lines.ts';
import { identify, type ProcessId } from './proc.ts';
import { afterDeath, deathsBeforeGivingUp, type RestartPolicy } from './restart-policy.ts';
import type { PartStatus } from './status.ts';

/** One process of the platform: how to start it, when it is ready, how it ends. */
export type PartSpec = {
  /** `gateway`, or `gateway-2`; unique. */
  name: string;
  service: string;
  command: string;
  args: readonly string[];
  /** The whole environment: nothing is inherited, so no stray setting of the user's shell reaches a part. */
  env: Readonly<Record<string, string>>;
  cwd: string;
  account?: { uid: number; gid: number };
  stopSignal: NodeJS.Signals;
  /** What ends it at once without harm to its data. */
  hurrySignal: NodeJS.Signals;
  /** From the stop signal to SIGKILL. */
  stopWithinMs: number;
  /** Asked until it resolves to undefined; else it says what is missing. */
  notReady: () => Promise<string | undefined>;
  /** Asked each 5 s once ready; `dead` three times in a row, or no answer for a minute, ends the process. */
  health?: () => Promise<'live' | 'dead' | 'silent'>;
};

/** What the supervisor tells of a part, for the platform's own log. */
export type PartEvent = { severity: 'INFO' | 'WARNING' | 'ERROR'; message: string; [detail: string]: unknown };

export type Part = {
  readonly spec: PartSpec;
  status(): PartStatus;
  /** Starts it, and again after each death. Resolves at the first readiness; rejects when it cannot start at all. */
  start(): Promise<void>;
  /** Why it is not ready yet, in its own words. */
  waitingFor(): string;
  /** Asks it to end, ends it after its deadline. Never rejects; resolves when the process is gone. */
  stop(): Promise<void>;
  hurry(): void;
};

export type SupervisorDeps = {
  policy: RestartPolicy;
  onLine: (spec: PartSpec, line: string) => void;
  onEvent: (spec: PartSpec, event: PartEvent) => void;
  /** Called, synchronously, after each change of pid or state. */
  onChange: () => void;
};

const readinessEveryMs = 50;
const healthEveryMs = 5_000;
const lastWordLines = 12;

/** Keeps one process running until `stop`. */
export function supervise(spec: PartSpec, deps: SupervisorDeps): Part {
  let state: PartStatus['state'] = 'waiting';
  let child: ChildProcess | undefined;
  let id: ProcessId | undefined;
  let startedAt: number | undefined;
  let readySeconds: number | null = null;
  let restarts = 0;
  let waitingFor = 'its turn';
  let lastWords: string[] = [];
  let ended: Promise<void> = Promise.resolve();
  const stopping = new AbortController();

  const turn = (next: PartStatus['state']) => {
    state = next;
    deps.onChange();
  };

  async function launch(): Promise<{ exited: Promise<string> }> {
    lastWords = [];
    startedAt = Date.now();
    const launched = spawn(spec.command, [...spec.args], {
      env: spec.env,
      cwd: spec.cwd,
      ...(spec.account ?? {}),
      // A session of its own: Ctrl-C in the terminal goes to the launcher alone, which stops the parts in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = launched;
    const exited = new Promise<string>((resolve) => {
      launched.once('error', (error) => resolve(`could not be started: ${error.message}`));
      launched.once('exit', (code, signal) =>
        resolve(signal === null ? `exited with code ${code}` : `ended by ${signal}`),
      );
    });
    for (const stream of [launched.stdout, launched.stderr]) {
      const cutter = lineCutter((line) => {
        if (line.trim() === '') return;
        lastWords = [...lastWords.slice(1 - lastWordLines), line.slice(0, 1_000)];
        deps.onLine(spec, line);
      });
      stream.setEncoding('utf8').on('data', cutter.push).on('end', cutter.end);
    }
    id = launched.pid === undefined ? undefined : await identify(launched.pid);
    turn('starting');
    return { exited };
  }

  async function untilReady(gone: AbortSignal): Promise<boolean> {
    while (!gone.aborted) {
      const missing = await spec.notReady().catch((error: Error) => error.message);
      if (gone.aborted) return false;
      if (missing === undefined) return true;
      waitingFor = missing;
      await pause(readinessEveryMs, gone);
    }
    return false;
  }

  async function watch(gone: AbortSignal): Promise<void> {
    let dead = 0;
    let lastAnswer = performance.now();
    while (spec.health !== undefined && !gone.aborted) {
      await pause(healthEveryMs, gone);
      if (gone.aborted) return;
      const health = await spec.health();
      dead = health === 'dead' ? dead + 1 : 0;
      if (health !== 'silent') lastAnswer = performance.now();
      if (dead < 3 && performance.now() - lastAnswer < 60_000) continue;
      deps.onEvent(spec, { severity: 'ERROR', message: 'does not live any more by its own health check: ending it' });
      child?.kill('SIGKILL');
      return;
    }
  }

  /** Spawn, ready, death, wait, again. */
  async function keepRunning(onFirstReady: () => void, giveUp: (error: Error) => void): Promise<void> {
    let failures = 0;
    for (;;) {
      const { exited } = await launch();
      const gone = new AbortController();
      const started = performance.now();
      const exit = exited.then((how) => {
        gone.abort();
        return how;
      });
      if (await untilReady(gone.signal)) {
        readySeconds ??= (performance.now() - started) / 1_000;
        turn('ready');
        onFirstReady();
        void watch(gone.signal).catch((error: Error) =>
          deps.onEvent(spec, { severity: 'ERROR', message: 'health check failed', error: error.message }),
        );
      }
      const how = await exit;
      const upMs = performance.now() - started;
      id = undefined;
      child = undefined;
      if (stopping.signal.aborted) return turn('stopped');
      const next = afterDeath(deps.policy, failures, upMs);
      failures = next.failures;
      deps.onEvent(spec, {
        severity: 'WARNING',
        message: `${how}; starting it again`,
        waitMs: next.waitMs,
        upMs: Math.round(upMs),
      });
      if (readySeconds === null && (failures >= deathsBeforeGivingUp || how === 'exited with code 2')) {
        turn('stopped');
        return giveUp(
          new LaunchError(`${spec.name} ${how} before it was ready. Its last words:\n  ${lastWords.join('\n  ')}`),
        );
      }
      turn('restarting');
      await pause(next.waitMs, stopping.signal);
      if (stopping.signal.aborted) return turn('stopped');
      restarts++;
    }
  }

  return {
    spec,
    status: () => ({
      name: spec.name,
      pid: id?.pid ?? null,
      startTicks: id?.startTicks ?? null,
      state,
      startedAt: startedAt === undefined ? null : new Date(startedAt).toISOString(),
      restarts,
      cpu: null,
      rssBytes: null,
      readySeconds,
    }),
    waitingFor: () => waitingFor,
    start: () =>
      new Promise((resolve, reject) => {
        ended = keepRunning(resolve, reject).catch(reject);
      }),
    async stop() {
      stopping.abort();
      const running = child;
      const deadline = setTimeout(() => {
        deps.onEvent(spec, { severity: 'ERROR', message: `did not stop within ${spec.stopWithinMs} ms: ending it` });
        running?.kill('SIGKILL');
      }, spec.stopWithinMs);
      running?.kill(spec.stopSignal);
      await ended;
      clearTimeout(deadline);
    },
    hurry: () => {
      stopping.abort();
      child?.kill(spec.hurrySignal);
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
