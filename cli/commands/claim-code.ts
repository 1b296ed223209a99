import { type Command, Option } from 'commander';
import { deviceOperations } from '../../runtime/contracts/http/devices.ts';
import type { ClaimCode } from '../../runtime/contracts/http/enrolment.ts';
import { claimCodeStatuses, DevicePrefix } from '../../runtime/contracts/http/enrolment.ts';
import { DeviceId, DeviceTypeId } from '../../runtime/contracts/identifiers.ts';
import { connect, type TargetOptions } from '../connection.ts';
import type { Context } from '../context.ts';
import { json, table } from '../output.ts';
import { withTarget } from '../target.ts';
import { collect, matching, whole } from '../values.ts';

const pageSize = 500;
const tag = matching(deviceOperations[0].query.shape.tag.unwrap());

type CreateOptions = TargetOptions & {
  count: number;
  type: string;
  device?: string;
  prefix?: string;
  tag?: string[];
  hours: number;
  json?: boolean;
};
type ListOptions = TargetOptions & { status?: ClaimCode['status']; limit: number; json?: boolean };

export function registerClaimCode(program: Command, { env, output }: Context): void {
  const codes = program.command('claim-code').description('Claim codes: each lets one device enrol');

  withTarget(codes.command('create'))
    .description('Make codes; they are shown this once and kept as hashes only')
    .option('--count <n>', 'how many', whole(1, 1_000), 1)
    .option('--type <type>', 'type of the devices that enrol', matching(DeviceTypeId), 'generic')
    .option('--device <id>', 'only for this device, registered or not', matching(DeviceId))
    .option('--prefix <text>', "how the devices' ids must begin", matching(DevicePrefix))
    .option('--tag <tag>', 'a tag for the devices; may be given several times', collect(tag))
    .option('--hours <n>', 'they expire after so many hours', whole(1, 17_520), 168)
    .action(async (options: CreateOptions) => {
      const { count, type, device, prefix, hours } = options;
      const body = {
        count,
        type,
        tags: options.tag ?? [],
        expiresInHours: hours,
        ...(device === undefined ? {} : { device }),
        ...(prefix === undefined ? {} : { prefix }),
      };
      const made = await (await connect(options, env)).call('createClaimCodes', { body });
      if (options.json === true) return output.print(json(made));
      output.print(
        table(
          ['CODE', 'ID', 'TYPE', 'FOR', 'EXPIRES'],
          made.items.map((c) => [c.code, c.id, c.type, target(c), c.expiresAt]),
        ),
      );
      output.say('keep them now: nobody can show them again');
    });

  withTarget(codes.command('list'))
    .description('Codes by time, newest first, without the codes themselves')
    .addOption(new Option('--status <status>', 'only these').choices(claimCodeStatuses))
    .option('--limit <n>', 'at most so many', whole(1, pageSize), 100)
    .action(async (options: ListOptions) => {
      const { status, limit } = options;
      const page = await (await connect(options, env)).call('listClaimCodes', { query: { status, limit } });
      const more = page.next !== null;
      if (options.json === true) return output.print(json({ items: page.items, more }));
      if (page.items.length === 0) return output.say('no claim code');
      output.print(
        table(
          ['ID', 'STATUS', 'TYPE', 'FOR', 'EXPIRES', 'USED BY'],
          page.items.map((c) => [c.id, c.status, c.type, target(c), c.expiresAt, c.usedBy ?? '-']),
        ),
      );
      if (more) output.say(`there are more than ${limit}`);
    });

  withTarget(codes.command('revoke'))
    .description('Make a code worthless; a device that enrolled with it stays')
    .argument('<id>', 'id of the code, as list shows it')
    .option('--reason <text>', 'for the audit log', 'by operator')
    .action(async (id: string, options: TargetOptions & { reason: string; json?: boolean }) => {
      const api = await connect(options, env);
      const code = await api.call('revokeClaimCode', {
        params: { claimCodeId: id },
        body: { reason: options.reason },
      });
      output.print(options.json === true ? json(code) : `claim code ${code.id} is ${code.status}`);
    });
}

const target = ({ device, prefix }: ClaimCode) => device ?? (prefix === null ? 'any' : `${prefix}…`);
