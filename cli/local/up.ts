import { LaunchError } from '../../runtime/local/errors.ts';
import { type Platform, startPlatform } from '../../runtime/local/platform.ts';
import { connect } from '../connection.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../errors.ts';
import { json } from '../output.ts';
import { ensureFirstDevice } from './first-device.ts';
import { outliveTerminal } from './outlive-terminal.ts';
import { readyLine, welcome } from './welcome.ts';

export type UpOptions = {
  data: string;
  portBase: number;
  devices: number;
  set?: { part: string; name: string; value: string }[];
  json?: boolean;
};

/** Starts the platform, says how to use it, and keeps it until a signal. */
export async function up(options: UpOptions, { env, output }: Context): Promise<void> {
  const began = performance.now();
  outliveTerminal();
  const signals = stopSignals();
  const starting = startPlatform({
    data: options.data,
    portBase: options.portBase,
    devices: options.devices,
    overrides: overridesOf(options.set ?? []),
    progress: (line) => output.say(output.paint.dim(`  ${line}`)),
    abort: signals.first,
  });
  output.say(`starting the platform in ${options.data}`);
  let platform: Platform;
  try {
    platform = await starting;
  } catch (error) {
    if (signals.first.aborted) return output.say('stopped before it was ready');
    throw error instanceof LaunchError ? new CommandError(error.message, { cause: error }) : error;
  }
  try {
    const device = await ensureFirstDevice(await connect({ data: options.data }, env), platform.folder);
    const seconds = (performance.now() - began) / 1_000;
    if (options.json === true) output.print(json(readyLine(platform)));
    else output.print(welcome({ platform, device, seconds, paint: output.paint }));
    await signals.once;
  } finally {
    await stopInOrder(platform, signals, (line) => output.say(line));
  }
}

async function stopInOrder(platform: Platform, signals: StopSignals, say: (line: string) => void): Promise<void> {
  say('\nstopping in order (Ctrl-C again: at once)');
  signals.twice.addEventListener('abort', platform.hurry);
  await platform.stop();
  signals.release();
  say('stopped; the data stays for the next start');
}

type StopSignals = { first: AbortSignal; twice: AbortSignal; once: Promise<void>; release(): void };

/**
 * One Ctrl-C reaches this process more than once: from the terminal, from npm, and from the older Node that started it.
 * Signals within half a second are therefore one.
 */
function stopSignals(): StopSignals {
  const first = new AbortController();
  const twice = new AbortController();
  let at = 0;
  const onSignal = () => {
    const now = performance.now();
    if (first.signal.aborted && now - at > 500) twice.abort();
    if (!first.signal.aborted) {
      at = now;
      first.abort();
    }
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, onSignal);
  return {
    first: first.signal,
    twice: twice.signal,
    once: new Promise((resolve) => first.signal.addEventListener('abort', () => resolve())),
    release: () => {
      for (const name of names) process.off(name, onSignal);
    },
  };
}

function overridesOf(settings: NonNullable<UpOptions['set']>): Record<string, Record<string, string>> {
  const overrides: Record<string, Record<string, string>> = {};
  for (const { part, name, value } of settings) overrides[part] = { ...overrides[part], [name]: value };
  return overrides;
}
