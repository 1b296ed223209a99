import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { DeadLetter, DeadLetterDetail } from '../../runtime/contracts/http/dead-letters.ts';
import { type DeadLetterStatus, deadLetterStatuses } from '../../runtime/contracts/telemetry.ts';
import type { Api } from '../api.ts';
import { connect, type TargetOptions } from '../connection.ts';
import type { Context } from '../context.ts';
import { type BulkOptions, type FilterOptions, runBulk, withBulk, withFilter } from '../dead-letter-bulk.ts';
import { CommandError, UsageError } from '../errors.ts';
import { json, table } from '../output.ts';
import { withTarget } from '../target.ts';
import { whole } from '../values.ts';

const pageSize = 500;

export function registerDeadLetter(program: Command, { env, output }: Context): void {
  const letter = program.command('dead-letter').description('What could not be stored: look, edit, replay, discard');

  withFilter(withTarget(letter.command('list')))
    .description('Dead letters, newest first')
    .addOption(
      new Option('--status <status>', 'only with this status').choices([...deadLetterStatuses, 'all']).default('open'),
    )
    .option('--batch <name>', 'only those that this bulk action took last')
    .option('--limit <n>', 'at most so many', whole(1, 1_000_000), 50)
    .action(async (options: TargetOptions & ListOptions) => {
      const { items, more, degraded } = await listLetters(await connect(options, env), options);
      if (degraded !== undefined) output.say(`the answer is not whole: ${json(degraded)}`);
      if (options.json === true) return output.print(json({ items, more, ...(degraded && { degraded }) }));
      if (items.length === 0) return output.say('no dead letter');
      output.print(
        table(
          ['ID', 'DEVICE', 'REASON', 'STATUS', 'TRIED', 'RECEIVED', 'DETAIL'],
          items.map((l) => [l.id, l.device, l.reason, l.status, l.attempts, l.receivedAt, shortened(l.detail)]),
        ),
      );
      if (more) output.say(`there are more than ${options.limit}: --limit N shows more`);
    });

  withTarget(letter.command('show'))
    .description('One dead letter with what the device sent')
    .argument('<id>', 'its id, as listed')
    .option('--raw', 'nothing but the payload that a replay would read, byte by byte')
    .action(async (id: string, options: TargetOptions & { json?: boolean; raw?: boolean }) => {
      const found = await (await connect(options, env)).call('getDeadLetter', { params: { letterId: id } });
      if (options.raw === true)
        return void process.stdout.write(Buffer.from((found.edit ?? found.payload).base64, 'base64'));
      output.print(options.json === true ? json(found) : describe(found));
    });

  withTarget(letter.command('edit'))
    .description('Write down what a replay shall read instead; the original is kept')
    .argument('<id>', 'its id, as listed')
    .option('--payload <text>', 'the new payload')
    .option('--file <path>', 'the new payload, byte by byte from a file; - is standard input')
    .action(async (id: string, options: TargetOptions & { payload?: string; file?: string; json?: boolean }) => {
      const bytes = await payloadOf(options);
      const api = await connect(options, env);
      const { version } = await api.call('getDeadLetter', { params: { letterId: id } });
      const body = { version, payload: bytes.toString('base64'), encoding: 'base64' as const };
      const after = await api.call('editDeadLetter', { params: { letterId: id }, body });
      output.print(options.json === true ? json(after) : describe(after));
    });

  withBulk(withTarget(letter.command('replay')))
    .description('Have the processor read letters again, and nobody else; waits for what comes of it')
    .argument('[ids...]', 'their ids, as listed; or --all')
    .option('--no-wait', 'end when the replay is asked for')
    .action(async (ids: string[], options: TargetOptions & BulkOptions & { wait: boolean; json?: boolean }) => {
      const api = await connect(options, env);
      if (chosen(ids, options) === 'all') return await runBulk(api, 'replayDeadLetters', {}, options, output);
      const asked: DeadLetterDetail[] = [];
      for (const letterId of ids) asked.push(await api.call('replayDeadLetter', { params: { letterId } }));
      const ended = options.wait ? await Promise.all(asked.map((one) => settled(api, one))) : asked;
      output.print(options.json === true ? json({ items: ended }) : ended.map(told).join('\n'));
      const failed = ended.filter((one) => one.status === 'open').length;
      if (failed > 0) throw new CommandError(`${failed} of ${ended.length} failed again, and are open`);
    });

  withBulk(withTarget(letter.command('discard')))
    .description('Put letters aside for good')
    .argument('[ids...]', 'their ids, as listed; or --all')
    .requiredOption('--because <text>', 'why; kept with the letter and in the audit log')
    .action(async (ids: string[], options: TargetOptions & BulkOptions & { because: string; json?: boolean }) => {
      const api = await connect(options, env);
      const { because } = options;
      if (chosen(ids, options) === 'all') return await runBulk(api, 'discardDeadLetters', { because }, options, output);
      const items: DeadLetterDetail[] = [];
      for (const letterId of ids)
        items.push(await api.call('discardDeadLetter', { params: { letterId }, body: { because } }));
      output.print(options.json === true ? json({ items }) : items.map(told).join('\n'));
    });
}

type ListOptions = FilterOptions & { status: DeadLetterStatus | 'all'; batch?: string; limit: number; json?: boolean };

async function listLetters(api: Api, options: ListOptions) {
  const { status, reason, device, from, to, batch } = options;
  const items: DeadLetter[] = [];
  let degraded: object | undefined;
  let cursor: string | undefined;
  for (;;) {
    const limit = Math.min(pageSize, options.limit - items.length);
    const query = { status: status === 'all' ? undefined : status, reason, device, from, to, batch, cursor, limit };
    const page = await api.call('listDeadLetters', { query });
    items.push(...page.items);
    degraded ??= page.degraded;
    if (page.next === null) return { items, more: false, degraded };
    if (items.length >= options.limit) return { items, more: true, degraded };
    cursor = page.next;
  }
}

/** Either ids or `--all`: a command without both would do nothing, and with both it is not clear what. */
function chosen(ids: readonly string[], options: BulkOptions): 'all' | 'ids' {
  const filtered = [options.reason, options.device, options.from, options.to].some((one) => one !== undefined);
  if (options.all !== true && ids.length > 0 && !filtered) return 'ids';
  if (options.all === true && ids.length === 0) return 'all';
  throw new UsageError('give ids, or --all with filters (--reason, --device, --from, --to), not both');
}

const waitMs = 60_000;

async function settled(api: Api, asked: DeadLetterDetail): Promise<DeadLetterDetail> {
  let found = asked;
  for (const until = performance.now() + waitMs; found.status === 'replaying'; ) {
    if (performance.now() > until)
      throw new CommandError(`no processor took ${asked.id} within ${waitMs / 1_000} s; it stays asked for`);
    await sleep(200);
    found = await api.call('getDeadLetter', { params: { letterId: asked.id } });
  }
  return found;
}

async function payloadOf({ payload, file }: { payload?: string; file?: string }): Promise<Buffer> {
  if ((payload === undefined) === (file === undefined))
    throw new UsageError('give the new payload by --payload TEXT or by --file PATH');
  if (payload !== undefined) return Buffer.from(payload);
  try {
    return await readFile(file === '-' ? '/dev/stdin' : (file as string));
  } catch (cause) {
    throw new CommandError(`--file ${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function told(letter: DeadLetterDetail): string {
  const { id, status, outcome, reason, detail } = letter;
  if (status === 'replayed')
    return `${id} replayed: ${outcome?.stored ?? 0} stored, ${outcome?.duplicates ?? 0} stored before`;
  if (status === 'open') return `${id} failed again: ${reason}: ${detail}`;
  return `${id} ${status}`;
}

function describe(letter: DeadLetterDetail): string {
  const { outcome, payload, edit } = letter;
  const rows: [string, string][] = [
    ['DEVICE', letter.subfolder === '' ? letter.device : `${letter.device} (${letter.subfolder})`],
    [
      'STATUS',
      letter.changedBy === null ? letter.status : `${letter.status}, by ${letter.changedBy} at ${letter.changedAt}`,
    ],
    ['REASON', `${letter.reason}: ${letter.detail}`],
    ['REPLAYS', `${letter.attempts}${outcome === null ? '' : `, the last: ${json(outcome)}`}`],
    ['RECEIVED', letter.receivedAt],
    ['TRACE', letter.message],
    [
      'WHAT',
      `${letter.place === null ? 'a whole message' : `reading ${letter.place + 1} of its message`} (${letter.kind})`,
    ],
  ];
  const shown = ({ text, base64, bytes, truncated }: DeadLetterDetail['payload']) =>
    `${bytes} bytes${truncated ? ', the beginning' : ''}${text === null ? ', base64' : ''}\n${text ?? base64}`;
  const parts = [table(['ID', letter.id], rows), `Payload: ${shown(payload)}`];
  if (edit !== null) parts.push(`Edited to: ${shown(edit)}`);
  return parts.join('\n\n');
}

const shortened = (text: string) => (text.length <= 60 ? text : `${text.slice(0, 57)}...`);
