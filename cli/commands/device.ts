import { join } from 'node:path';
import type { Command } from 'commander';
import type { Device } from '../../runtime/contracts/http/devices.ts';
import { deviceOperations } from '../../runtime/contracts/http/devices.ts';
import { ClaimRequest } from '../../runtime/contracts/http/enrolment.ts';
import { DeviceId, DeviceTypeId } from '../../runtime/contracts/identifiers.ts';
import type { Answer, Api } from '../api.ts';
import { apiUrl, connect, type TargetOptions } from '../connection.ts';
import type { Context } from '../context.ts';
import { certify, claimDevice, type DeviceFiles, prepareFolder } from '../device-files.ts';
import { CommandError } from '../errors.ts';
import { json, table } from '../output.ts';
import { withTarget } from '../target.ts';
import { collect, matching, whole } from '../values.ts';
import { registerDeviceBulk } from './device-bulk.ts';

const pageSize = 500;
const tag = matching(deviceOperations[0].query.shape.tag.unwrap());

export function registerDevice(program: Command, { env, output }: Context): void {
  const device = program.command('device').description('Devices: register, find, block');
  const show = (wanted: boolean | undefined, value: Device & Record<string, unknown>) =>
    output.print(wanted === true ? json(value) : describe(value));

  withTarget(device.command('create'))
    .description('Register a device: makes its key here, has its certificate signed, writes key.pem, cert.pem, ca.pem')
    .argument('<id>', 'its id: 3 to 255 of letters, digits, - _ . ~ %, a letter first', matching(DeviceId))
    .option('--name <name>', 'a name for people')
    .option('--type <type>', 'device type', matching(DeviceTypeId), 'generic')
    .option('--tag <tag>', 'a tag; may be given several times', collect(tag))
    .option('--out <dir>', 'folder for its files (default: a folder with its id)')
    .action(async (id: string, options: TargetOptions & CreateOptions) => {
      const api = await connect(options, env);
      const dir = options.out ?? join(process.cwd(), id);
      await prepareFolder(dir);
      const body = {
        id,
        type: options.type,
        tags: options.tag ?? [],
        ...(options.name === undefined ? {} : { name: options.name }),
      };
      const made = await api.call('createDevice', { body });
      try {
        const { files, certificate } = await certify({ api, device: id, dir });
        printCertified(options.json, made, files, certificate);
      } catch (cause) {
        throw new CommandError(
          `device ${id} is registered, but has no certificate yet (${(cause as Error).message}); try \`iot device certificate ${id}\``,
          { cause },
        );
      }
    });

  withTarget(device.command('certificate'))
    .description('Another key and certificate for a registered device')
    .argument('<id>', 'device id', matching(DeviceId))
    .option('--out <dir>', 'folder for its files (default: a folder with its id)')
    .action(async (id: string, options: TargetOptions & CreateOptions) => {
      const api = await connect(options, env);
      const dir = options.out ?? join(process.cwd(), id);
      const found = await api.call('getDevice', { params: { deviceId: id } });
      await prepareFolder(dir);
      const { files, certificate } = await certify({ api, device: id, dir });
      printCertified(options.json, found, files, certificate);
    });

  withTarget(device.command('enrol'))
    .description('Be a device with a claim code: makes its key here, trades the code for a certificate; no log-in')
    .argument('<code>', 'its claim code', matching(ClaimRequest.shape.code))
    .option('--id <id>', 'the id it wants, where the code leaves it open', matching(DeviceId))
    .option('--out <dir>', 'folder for its files (default: a folder with its id, or `device`)')
    .action(async (code: string, options: TargetOptions & { id?: string; out?: string; json?: boolean }) => {
      const dir = options.out ?? join(process.cwd(), options.id ?? 'device');
      const { device, files } = await claimDevice({ code, id: options.id, dir, api: await apiUrl(options) });
      output.print(options.json === true ? json({ device, files }) : `${device} is enrolled; its files are in ${dir}`);
    });

  withTarget(device.command('list'))
    .description('Devices by id')
    .option('--search <text>', 'part of the id or name, any case')
    .option('--tag <tag>', 'only with this tag', tag)
    .option('--type <type>', 'only of this type', matching(DeviceTypeId))
    .option('--limit <n>', 'at most so many', whole(1, 1_000_000), 100)
    .action(async (options: TargetOptions & ListOptions) => {
      const { items, more } = await listDevices(await connect(options, env), options);
      if (options.json === true) return output.print(json({ items, more }));
      if (items.length === 0) return output.say('no device');
      output.print(
        table(
          ['ID', 'TYPE', 'STATUS', 'CONNECTED', 'TAGS'],
          items.map((d) => [d.id, d.type, d.status, d.connection.connected ? 'yes' : 'no', d.tags.join(' ')]),
        ),
      );
      if (more) output.say(`there are more than ${options.limit}: --limit N shows more`);
    });

  withTarget(device.command('show'))
    .description('One device')
    .argument('<id>', 'device id', matching(DeviceId))
    .action(async (id: string, options: TargetOptions & { json?: boolean }) => {
      const api = await connect(options, env);
      show(options.json, await api.call('getDevice', { params: { deviceId: id } }));
    });

  for (const [verb, operation, what] of [
    ['block', 'blockDevice', 'Block a device: its live sessions end within 5 seconds, new ones are refused'],
    ['unblock', 'unblockDevice', 'Let a blocked device connect again'],
  ] as const)
    withTarget(device.command(verb))
      .description(what)
      .argument('<id>', 'device id', matching(DeviceId))
      .option('--reason <text>', 'for the audit log', 'by operator')
      .action(async (id: string, options: TargetOptions & { reason: string; json?: boolean }) => {
        const api = await connect(options, env);
        show(options.json, await api.call(operation, { params: { deviceId: id }, body: { reason: options.reason } }));
      });

  registerDeviceBulk(device, { env, output });

  function printCertified(
    asJson: boolean | undefined,
    made: Device,
    files: DeviceFiles,
    { serial, notAfter }: Answer<'issueCertificate'>,
  ): void {
    if (asJson === true) {
      output.print(json({ ...made, files, certificate: { serial, notAfter } }));
      return;
    }
    output.print(`${made.id} is registered (type ${made.type}). Its certificate is good until ${notAfter}.`);
    output.print(
      table(
        ['FILE', ''],
        [
          [files.key, 'its private key; no copy of it exists'],
          [files.cert, 'its certificate and chain'],
          [files.ca, 'what it trusts'],
        ],
      ),
    );
  }
}

type CreateOptions = { name?: string; type: string; tag?: string[]; out?: string; json?: boolean };
type ListOptions = { search?: string; tag?: string; type?: string; limit: number; json?: boolean };

/** Pages until `limit` rows or the end; `more` says that there are others. */
async function listDevices(api: Api, options: ListOptions): Promise<{ items: Device[]; more: boolean }> {
  const items: Device[] = [];
  let cursor: string | undefined;
  for (;;) {
    const { search, tag: wantedTag, type } = options;
    const limit = Math.min(pageSize, options.limit - items.length);
    const page = await api.call('listDevices', { query: { search, tag: wantedTag, type, cursor, limit } });
    items.push(...page.items);
    if (page.next === null) return { items, more: false };
    if (items.length >= options.limit) return { items, more: true };
    cursor = page.next;
  }
}

function describe(device: Device): string {
  const { connection } = device;
  return table(
    ['ID', device.id],
    [
      ['NAME', device.name],
      ['TYPE', device.type],
      ['TAGS', device.tags.join(' ') || '-'],
      ['STATUS', device.blockedReason === null ? device.status : `${device.status}: ${device.blockedReason}`],
      ['CONNECTED', connection.connected ? `since ${connection.since ?? '?'} at ${connection.gateway ?? '?'}` : 'no'],
      ['LAST SEEN', connection.lastSeenAt ?? '-'],
      ['CREATED', device.createdAt],
    ],
  );
}
