import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { UsageError } from '../errors.ts';
import { clientFromEnvironment, loginsFile, saveLogin } from '../logins.ts';
import { requestToken } from '../token.ts';
import { url } from '../values.ts';

export function registerLogin(program: Command, { env, output }: Context): void {
  program
    .command('login')
    .description(
      'Log in at a remote platform with client credentials (IOT_CLIENT_ID and IOT_CLIENT_SECRET, or asked for)',
    )
    .requiredOption('--api <url>', 'base URL of its API', url)
    .action(async (options: { api: string }) => {
      const client = clientFromEnvironment(env) ?? (await askForClient());
      const token = await requestToken(options.api, client);
      await saveLogin(env, options.api, token);
      output.say(
        `logged in at ${options.api} until ${new Date(token.expiresAt).toISOString()}; the token is in ${loginsFile(env)}`,
      );
    });
}

async function askForClient(): Promise<{ id: string; secret: string }> {
  if (process.stdin.isTTY !== true)
    throw new UsageError('set IOT_CLIENT_ID and IOT_CLIENT_SECRET: there is no terminal to ask on');
  let silent = false;
  const screen = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!silent) process.stderr.write(chunk);
      done();
    },
  });
  const terminal = createInterface({ input: process.stdin, output: screen, terminal: true });
  try {
    const id = await terminal.question('client id: ');
    const secret = terminal.question('client secret (not shown): ');
    silent = true;
    return { id, secret: await secret };
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}
