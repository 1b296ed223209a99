import { CommandError, ok, type Reply } from '../resp.ts';
import { indexArgument, syntaxError } from './command.ts';

export type ClientFacts = { id: number; name: string };

/** What the stand-in says it is; clients look at the number to know what they may use. */
export const serverVersion = '7.0.0';

export function selectDatabase([index = '']: readonly string[]): Reply {
  if (indexArgument(index) !== 0)
    throw new CommandError('ERR DB index is out of range: the stand-in has database 0 only');
  return ok;
}

/** There is no password: like a real server without one, only `default` with any password is let in. */
export function auth(args: readonly string[]): Reply {
  if (args.length > 2) throw syntaxError();
  if (args.length === 1)
    throw new CommandError(
      'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
    );
  if (args[0] !== 'default') throw new CommandError('WRONGPASS invalid username-password pair or user is disabled.');
  return ok;
}

export function helloReply([protocol, ...options]: readonly string[], client: ClientFacts): Reply {
  if (protocol !== undefined && protocol !== '2') throw new CommandError('NOPROTO unsupported protocol version');
  for (let i = 0; i < options.length; ) {
    const option = options[i]?.toUpperCase();
    if (option === 'AUTH' && i + 2 < options.length) {
      auth([options[i + 1] ?? '', options[i + 2] ?? '']);
      i += 3;
    } else if (option === 'SETNAME' && i + 1 < options.length) {
      setName(client, options[i + 1] ?? '');
      i += 2;
    } else throw syntaxError();
  }
  const { id } = client;
  const facts: Reply = ['server', 'redis', 'version', serverVersion, 'proto', 2, 'id', id, 'mode', 'standalone'];
  return [...facts, 'role', 'master', 'modules', []];
}

export function clientCommand([subcommand = '', ...args]: readonly string[], client: ClientFacts): Reply {
  const name = subcommand.toUpperCase();
  if (name === 'ID' && args.length === 0) return client.id;
  if (name === 'GETNAME' && args.length === 0) return client.name === '' ? null : client.name;
  if (name === 'SETNAME' && args.length === 1) return setName(client, args[0] ?? '');
  if (name === 'SETINFO' && args.length === 2) return ok;
  throw new CommandError(
    `ERR unknown subcommand or wrong number of arguments for 'client|${subcommand.slice(0, 128)}'`,
  );
}

function setName(client: ClientFacts, name: string): Reply {
  if (!/^[!-~]{0,256}$/.test(name))
    throw new CommandError('ERR Client names cannot contain spaces, newlines or special characters.');
  client.name = name;
  return ok;
}

/** COMMAND as far as clients ask at start: names and arities, their count, no documentation. */
export function commandCommand(
  [subcommand, ...args]: readonly string[],
  all: Record<string, { arity: number }>,
): Reply {
  const entry = (name: string): Reply => {
    const command = all[name.toUpperCase()];
    return command === undefined ? null : [name.toLowerCase(), command.arity, [], 0, 0, 0];
  };
  const names = Object.keys(all);
  if (subcommand === undefined) return names.map(entry);
  switch (subcommand.toUpperCase()) {
    case 'COUNT':
      return names.length;
    case 'DOCS':
      return [];
    case 'INFO':
      return (args.length > 0 ? args : names).map(entry);
    default:
      throw new CommandError(`ERR unknown subcommand '${subcommand.slice(0, 128)}' of COMMAND`);
  }
}
