import type { Command } from 'commander';
import { Tag } from '../../runtime/contracts/http/devices.ts';
import { DevicePrefix, type FactoryAuthority } from '../../runtime/contracts/http/enrolment.ts';
import { DeviceTypeId } from '../../runtime/contracts/identifiers.ts';
import { connect, type TargetOptions } from '../connection.ts';
import type { Context } from '../context.ts';
import { json, table } from '../output.ts';
import { withTarget } from '../target.ts';
import { collect, matching } from '../values.ts';
import { textOf } from './device-key.ts';

type Asked = TargetOptions & { json?: boolean };
type AddOptions = Asked & { name?: string; type: string; prefix?: string; tag?: string[]; takeOver?: boolean };

/** Makers' CAs, whose devices register themselves. */
export function registerFactoryCa(program: Command, { env, output }: Context): void {
  const authorities = program.command('factory-ca').description("Makers' CAs: their devices register themselves");
  const print = (asJson: boolean | undefined, ca: FactoryAuthority) => {
    if (asJson === true) return output.print(json(ca));
    output.print(table(['ID', 'STATUS', 'NAME', 'DEVICES'], [[ca.id, ca.status, ca.name, `${ca.devicePrefix}…`]]));
    if (ca.challenge !== null)
      output.say(
        `prove that it is yours: sign a certificate with CN ${ca.challenge}, then \`iot factory-ca activate\``,
      );
  };

  withTarget(authorities.command('add'))
    .description('Add a CA; it is pending until it is activated')
    .argument('<file>', 'its certificate, PEM')
    .option('--name <name>', 'a name for people (default: the file)')
    .option('--type <type>', 'type of its devices', matching(DeviceTypeId), 'generic')
    .option('--prefix <text>', "how its devices' ids must begin", matching(DevicePrefix))
    .option('--tag <tag>', 'a tag for its devices; may be given several times', collect(matching(Tag)))
    .option('--take-over', 'its certificates may stand for devices that are registered already')
    .action(async (file: string, options: AddOptions) => {
      const body = {
        name: options.name ?? file,
        certificate: await textOf(file),
        type: options.type,
        tags: options.tag ?? [],
        devicePrefix: options.prefix ?? '',
        takeOver: options.takeOver === true,
      };
      print(options.json, await (await connect(options, env)).call('addFactoryAuthority', { body }));
    });

  withTarget(authorities.command('list'))
    .description('CAs of the tenant')
    .action(async (options: Asked) => {
      const { items } = await (await connect(options, env)).call('listFactoryAuthorities');
      if (options.json === true) return output.print(json({ items }));
      output.print(
        table(
          ['ID', 'STATUS', 'NAME', 'TYPE', 'DEVICES', 'ENDS'],
          items.map((ca) => [ca.id, ca.status, ca.name, ca.type, `${ca.devicePrefix}…`, ca.notAfter]),
        ),
      );
    });

  withTarget(authorities.command('activate'))
    .description(
      'Trust a CA; who is no admin proves with a certificate for its challenge that the tenant holds its key',
    )
    .argument('<id>', 'id of the CA')
    .option('--proof <file>', 'certificate with the challenge as CN, signed by the CA; PEM')
    .action(async (authorityId: string, options: Asked & { proof?: string }) => {
      const body = options.proof === undefined ? {} : { proof: await textOf(options.proof) };
      const api = await connect(options, env);
      print(options.json, await api.call('activateFactoryAuthority', { params: { authorityId }, body }));
    });

  withTarget(authorities.command('disable'))
    .description('Trust a CA no more: sessions of its certificates end within 5 seconds')
    .argument('<id>', 'id of the CA')
    .option('--reason <text>', 'for the audit log', 'by operator')
    .action(async (authorityId: string, options: Asked & { reason: string }) => {
      const api = await connect(options, env);
      const body = { reason: options.reason };
      print(options.json, await api.call('disableFactoryAuthority', { params: { authorityId }, body }));
    });
}
