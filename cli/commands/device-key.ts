import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { DeviceKey } from '../../runtime/contracts/http/access.ts';
import { DeviceId } from '../../runtime/contracts/identifiers.ts';
import { connect, type TargetOptions } from '../connection.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../errors.ts';
import { json, table } from '../output.ts';
import { withTarget } from '../target.ts';
import { collect, matching } from '../values.ts';

type Asked = TargetOptions & { json?: boolean };
const deviceId = matching(DeviceId);

/** Text of a file that the user named. @throws CommandError naming it */
export async function textOf(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: Error) => {
    throw new CommandError(`${path} cannot be read: ${cause.message}`, { cause });
  });
}

/** Log-in by JWT: the keys of a device, and whether the tenant allows it. */
export function registerDeviceKey(program: Command, { env, output }: Context): void {
  const keys = program.command('device-key').description("Public keys of devices' JWTs, up to three beside each other");
  const show = (items: readonly DeviceKey[]) =>
    table(
      ['ID', 'ALGORITHM', 'ENDS'],
      items.map((key) => [key.id, key.algorithm, key.expiresAt ?? '-']),
    );

  withTarget(keys.command('add'))
    .description('Add a key: PEM, a public key or a certificate, P-256 or RSA')
    .argument('<id>', 'device id', deviceId)
    .argument('<file>', 'PEM file')
    .option('--expires <time>', 'after it the key is no good: 2026-11-22T10:00:00Z')
    .action(async (id: string, file: string, options: Asked & { expires?: string }) => {
      const body = {
        key: await textOf(file),
        ...(options.expires === undefined ? {} : { expiresAt: options.expires }),
      };
      const key = await (await connect(options, env)).call('addDeviceKey', { params: { deviceId: id }, body });
      output.print(options.json === true ? json(key) : show([key]));
    });

  withTarget(keys.command('list'))
    .description('Keys of a device')
    .argument('<id>', 'device id', deviceId)
    .action(async (id: string, options: Asked) => {
      const { items } = await (await connect(options, env)).call('listDeviceKeys', { params: { deviceId: id } });
      output.print(options.json === true ? json({ items }) : show(items));
    });

  withTarget(keys.command('remove'))
    .description('Remove a key: sessions that it opened end within 5 seconds')
    .argument('<id>', 'device id', deviceId)
    .argument('<key>', 'id of the key')
    .action(async (id: string, keyId: string, options: Asked) => {
      await (await connect(options, env)).call('removeDeviceKey', { params: { deviceId: id, keyId } });
      output.print(options.json === true ? json({ device: id, removed: keyId }) : `key ${keyId} of ${id} is removed`);
    });

  withTarget(program.command('device-access'))
    .description('Whether devices of the tenant may log in by JWT; with options it changes that')
    .option('--jwt', 'allow it')
    .option('--no-jwt', 'forbid it')
    .option('--audience <name>', 'a value of `aud` that names the tenant; may be given several times', collect(String))
    .action(async (options: Asked & { jwt?: boolean; audience?: string[] }) => {
      const api = await connect(options, env);
      const { jwt, audience } = options;
      const before = await api.call('getDeviceAccess');
      const body = { jwt: jwt ?? before.jwt, audiences: audience ?? before.audiences };
      const changed = jwt !== undefined || audience !== undefined;
      const now = changed ? await api.call('putDeviceAccess', { body }) : before;
      output.print(
        options.json === true
          ? json(now)
          : `JWT is ${now.jwt ? 'allowed' : 'not allowed'}; audiences: ${now.audiences.join(', ') || 'the tenant alone'}`,
      );
    });
}
