import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { registerClaimCode } from './commands/claim-code.ts';
import { registerCommand } from './commands/command.ts';
import { registerDeadLetter } from './commands/dead-letter.ts';
import { registerDevice } from './commands/device.ts';
import { registerDeviceKey } from './commands/device-key.ts';
import { registerFactoryCa } from './commands/factory-ca.ts';
import { registerFirmware } from './commands/firmware.ts';
import { registerImage } from './commands/image.ts';
import { registerLocal } from './commands/local.ts';
import { registerLogin } from './commands/login.ts';
import { registerPeople } from './commands/people.ts';
import { registerPlan } from './commands/plan.ts';
import { registerRender } from './commands/render.ts';
import { registerTelemetry } from './commands/telemetry.ts';
import { registerTwin } from './commands/twin.ts';
import type { Context } from './context.ts';
import { CommandError, exitCodes } from './errors.ts';
import { terminalOutput } from './output.ts';

/** The whole command tree. `bench` brings large dependencies: its module is loaded when it is called. */
export async function createProgram(context: Context, wanted: string | undefined): Promise<Command> {
  const program = new Command('iot')
    .description('The IoT platform: run it on this machine, and work with its devices and their data')
    .version(version(), '--version', 'the version of this clone')
    .showHelpAfterError()
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .exitOverride();
  registerLocal(program, context);
  registerDevice(program, context);
  registerClaimCode(program, context);
  registerFactoryCa(program, context);
  registerDeviceKey(program, context);
  registerTwin(program, context);
  registerCommand(program, context);
  registerTelemetry(program, context);
  registerPeople(program, context);
  registerDeadLetter(program, context);
  registerLogin(program, context);
  registerRender(program, context);
  registerPlan(program, context);
  registerImage(program, context);
  registerFirmware(program, context);
  await registerBenchLazily(program, wanted);
  return program;
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

async function registerBenchLazily(program: Command, wanted: string | undefined): Promise<void> {
  if (wanted === 'bench') {
    const { registerBench } = (await import(new URL('./bench/index.ts', import.meta.url).href)) as {
      registerBench(p: Command): void;
    };
    return registerBench(program);
  }
  program
    .command('bench')
    .description('Measure the running platform: path, connections, handshakes, faults, monolith, reconnect');
}

export function everyCommand(command: Command): Command[] {
  return command.commands.flatMap((each) => [each, ...everyCommand(each)]);
}

/** Runs one command line and sets the exit code. A usage error is 2, any other failure 1. */
export async function main(args: readonly string[], env: Record<string, string | undefined>): Promise<void> {
  const context = { env, output: terminalOutput(env) };
  // A reader that has seen enough (`| head`) closes the pipe: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.ok);
    throw error;
  });
  try {
    const program = await createProgram(context, args[0]);
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    process.exitCode = report(error, context);
  }
}

function report(error: unknown, { env, output }: Context): number {
  // Commander has printed its own message already; help and version end with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const expected = error instanceof CommandError;
  output.say(`${output.paint.red('error:')} ${error instanceof Error ? error.message : String(error)}`);
  if (!expected || env['IOT_DEBUG'] === '1') output.say(String((error as Error).stack));
  return expected ? error.exitCode : exitCodes.failed;
}
