import { type Command, Option } from 'commander';
import { CommandName, commandBounds, commandStatuses, isOpen } from '../../runtime/contracts/commands.ts';
import { deviceOperations } from '../../runtime/contracts/http/devices.ts';
import { DeviceId, DeviceTypeId } from '../../runtime/contracts/identifiers.ts';
import type { Answer, Api } from '../api.ts';
import { connect, type TargetOptions } from '../connection.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../errors.ts';
import { json, type Output, table } from '../output.ts';
import { withTarget } from '../target.ts';
import { matching, whole } from '../values.ts';
import { parseJson } from './twin.ts';

type Options = TargetOptions & { json?: boolean };
type Sent = Answer<'getCommand'>;
type Job = Answer<'getCommandJob'>;
type SendOptions = Options & { timeout: number; wait?: number; key?: string };
type BulkOptions = Options & { timeout: number; wait?: boolean; key?: string; tag?: string; type?: string };

const { timeoutSeconds, waitSeconds } = commandBounds;
const tag = matching(deviceOperations[0].query.shape.tag.unwrap());
const timeout = whole(timeoutSeconds.shortest, timeoutSeconds.longest);
const longestWait = 86_400;

export function registerCommand(program: Command, { env, output }: Context): void {
  const command = program
    .command('command')
    .description('Commands: send to one device or to many, and see what came of it');

  withTarget(command.command('send'))
    .description('Queue a command; the device gets it when it is connected, until its deadline')
    .argument('<id>', 'device id', matching(DeviceId))
    .argument('<name>', 'name of the command', matching(CommandName))
    .argument('[json]', `its payload, any JSON, as '{"delay":5}'`)
    .option('--timeout <seconds>', 'from now to its deadline', timeout, timeoutSeconds.usual)
    .option(
      '--wait <seconds>',
      'wait for it to finish; not finished by then, or not succeeded, is exit code 1',
      whole(1, longestWait),
    )
    .option('--key <key>', 'idempotency key: the same key again is the same command')
    .action(async (id: string, name: string, payload: string | undefined, options: SendOptions) => {
      const api = await connect(options, env);
      const sent = await api.call('sendCommand', {
        params: { deviceId: id },
        headers: options.key === undefined ? {} : { 'idempotency-key': options.key },
        body: bodyOf(name, payload, options.timeout),
      });
      const last = options.wait === undefined ? sent : await waitFor(api, sent, options.wait);
      output.print(options.json === true ? json(last) : describe(last));
      if (options.wait !== undefined && last.status !== 'succeeded')
        throw new CommandError(
          `command ${last.id} is ${last.status}${isOpen(last.status) ? ` after ${options.wait} s` : ''}`,
        );
    });

  withTarget(command.command('show'))
    .description('One command')
    .argument('<id>', 'device id', matching(DeviceId))
    .argument('<command>', 'command id')
    .action(async (id: string, commandId: string, options: Options) => {
      const found = await (await connect(options, env)).call('getCommand', { params: { deviceId: id, commandId } });
      output.print(options.json === true ? json(found) : describe(found));
    });

  withTarget(command.command('list'))
    .description("A device's commands, newest first")
    .argument('<id>', 'device id', matching(DeviceId))
    .addOption(new Option('--status <status>', 'only these').choices(commandStatuses))
    .option('--limit <n>', 'at most so many', whole(1, 500), 50)
    .action(async (id: string, options: Options & { status?: Sent['status']; limit: number }) => {
      const { status, limit } = options;
      const api = await connect(options, env);
      const page = await api.call('listCommands', { params: { deviceId: id }, query: { status, limit } });
      if (options.json === true) return output.print(json(page.items));
      output.print(list(page.items));
      if (page.next !== null) output.say('There are more: raise --limit.');
    });

  withTarget(command.command('cancel'))
    .description('Cancel a command that is not finished')
    .argument('<id>', 'device id', matching(DeviceId))
    .argument('<command>', 'command id')
    .action(async (id: string, commandId: string, options: Options) => {
      const found = await (await connect(options, env)).call('cancelCommand', { params: { deviceId: id, commandId } });
      output.print(options.json === true ? json(found) : describe(found));
    });

  withTarget(command.command('bulk'))
    .description('Queue a command for every device of a tag or type')
    .argument('<name>', 'name of the command', matching(CommandName))
    .argument('[json]', 'its payload, any JSON')
    .option('--tag <tag>', 'devices with this tag', tag)
    .option('--type <type>', 'devices of this type', matching(DeviceTypeId))
    .option('--timeout <seconds>', 'from now to their deadline', timeout, timeoutSeconds.usual)
    .option('--wait', 'wait until all are finished and show how far they are')
    .option('--key <key>', 'idempotency key: the same key again is the same job')
    .action(async (name: string, payload: string | undefined, options: BulkOptions) => {
      const api = await connect(options, env);
      const made = await api.call('createCommandJob', {
        headers: options.key === undefined ? {} : { 'idempotency-key': options.key },
        body: { ...bodyOf(name, payload, options.timeout), ...selection(options) },
      });
      printJob(options.json, options.wait === true ? await follow(api, made, output) : made, output);
    });

  withTarget(command.command('job'))
    .description('A bulk job and how far its commands are')
    .argument('<job>', 'job id')
    .option('--cancel', 'make no more commands of it, and cancel those that are not finished')
    .action(async (jobId: string, options: Options & { cancel?: boolean }) => {
      const operation = options.cancel === true ? 'cancelCommandJob' : 'getCommandJob';
      printJob(options.json, await (await connect(options, env)).call(operation, { params: { jobId } }), output);
    });
}

const selection = ({ tag, type }: BulkOptions) => ({
  ...(tag === undefined ? {} : { tag }),
  ...(type === undefined ? {} : { type }),
});

function bodyOf(name: string, payload: string | undefined, seconds: number) {
  return {
    name,
    timeoutSeconds: seconds,
    ...(payload === undefined ? {} : { payload: parseJson(payload, 'the payload') }),
  };
}

/** Asks again for as long as the API's own waits are shorter than ours. */
async function waitFor(api: Api, sent: Sent, seconds: number): Promise<Sent> {
  const deadline = Date.now() + seconds * 1_000;
  let last = sent;
  while (isOpen(last.status) && Date.now() < deadline) {
    const wait = Math.min(waitSeconds, Math.ceil((deadline - Date.now()) / 1_000));
    last = await api.call('getCommand', {
      params: { deviceId: sent.device, commandId: sent.id },
      query: { wait },
      answerWithinMs: (wait + 15) * 1_000,
    });
  }
  return last;
}

async function follow(api: Api, made: Job, output: Output): Promise<Job> {
  let job = made;
  for (let before = ''; job.status !== 'finished' && job.status !== 'cancelled'; ) {
    const now = counts(job);
    if (now !== before) output.say(`${job.status}: ${now}`);
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    job = await api.call('getCommandJob', { params: { jobId: job.id } });
  }
  return job;
}

function printJob(asJson: boolean | undefined, job: Job, output: Output): void {
  if (asJson === true) {
    output.print(json(job));
    return;
  }
  const rows = [
    ['COMMAND', job.name],
    ['FOR', [job.tag && `tag ${job.tag}`, job.type && `type ${job.type}`].filter(Boolean).join(', ')],
    ['STATUS', job.status],
    ['COMMANDS', `${job.commands}${job.skipped > 0 ? `, ${job.skipped} devices skipped: their queue was full` : ''}`],
    ['', counts(job)],
    ['DEADLINE', job.deadline],
  ];
  output.print(table(['JOB', job.id], rows));
}

const counts = (job: Job) =>
  commandStatuses
    .filter((status) => job.counts[status] > 0)
    .map((status) => `${job.counts[status]} ${status}`)
    .join(', ');

function list(commands: readonly Sent[]): string {
  return table(
    ['ID', 'NAME', 'STATUS', 'SENT', 'CREATED', 'RESULT'],
    commands.map((c) => [c.id, c.name, c.status, c.attempts, c.createdAt, short(c.result)]),
  );
}

const short = (result: unknown) => (result === null ? '-' : JSON.stringify(result).slice(0, 60));

function describe(command: Sent): string {
  const { late } = command;
  return table(
    ['ID', command.id],
    [
      ['DEVICE', command.device],
      ['COMMAND', `${command.name} ${JSON.stringify(command.payload)}`],
      ['STATUS', `${command.status}${command.finishedAt === null ? '' : ` at ${command.finishedAt}`}`],
      ['RESULT', command.result === null ? '-' : JSON.stringify(command.result)],
      ...(late === null ? [] : [['LATE', `${late.status} at ${late.at}: ${JSON.stringify(late.result)}`]]),
      ['SENT', command.attempts === 0 ? 'not yet' : `${command.attempts} times, last at ${command.sentAt}`],
      ['DEADLINE', command.deadline],
      ['BY', command.createdBy],
    ],
  );
}
