import type { Command } from 'commander';
import { Option } from 'commander';
import { scopes as allScopes, type Scope } from '../../runtime/contracts/http/operation.ts';
import { Email, MachineClient, Quotas } from '../../runtime/contracts/http/people.ts';
import { TenantId } from '../../runtime/contracts/identifiers.ts';
import type { Answer, Api } from '../api.ts';
import { connect, type TargetOptions } from '../connection.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../errors.ts';
import { json, type Output, table } from '../output.ts';
import { withTarget } from '../target.ts';
import { collect, instant, matching, whole } from '../values.ts';

type Options = TargetOptions & { json?: boolean };
type Role = 'viewer' | 'operator' | 'admin';
const roleOption = () =>
  new Option('--role <role>', 'what the person may do').choices(['viewer', 'operator', 'admin']).default('viewer');
const scope = (text: string): Scope => {
  const found = allScopes.find((one) => one === text);
  if (found === undefined) throw new UsageError(`--scope is '${text}'; allowed are ${allScopes.join(', ')}`);
  return found;
};
/** A quota: a whole number, or `none` for no limit. */
const quota = (name: keyof Quotas) => (text: string) => {
  const value = Quotas.shape[name].safeParse(text === 'none' ? null : /^\d+$/.test(text) ? Number(text) : undefined);
  if (!value.success) throw new UsageError(`'${text}' is no quota; allowed is a whole number above 0, or none`);
  return value.data;
};

export function registerPeople(program: Command, context: Context): void {
  registerTenants(program, context);
  registerUsers(program, context);
  registerClients(program, context);
  registerAudit(program, context);
}

type QuotaOptions = { devices?: number | null; messages?: number | null; requests?: number | null };
const withQuotas = (command: Command) =>
  command
    .option('--devices <n>', 'devices that it may register, or none for no limit', quota('devices'))
    .option('--messages <n>', 'messages a second of all its devices, or none', quota('messagesPerSecond'))
    .option('--requests <n>', 'API requests a second of all its clients, or none', quota('requestsPerSecond'));
const quotasOf = ({ devices, messages, requests }: QuotaOptions) => ({
  ...(devices === undefined ? {} : { devices }),
  ...(messages === undefined ? {} : { messagesPerSecond: messages }),
  ...(requests === undefined ? {} : { requestsPerSecond: requests }),
});
const noQuotas: Quotas = { devices: null, messagesPerSecond: null, requestsPerSecond: null };

function registerTenants(program: Command, { env, output }: Context): void {
  const tenant = program.command('tenant').description('Tenants: make, limit, see what they use');

  withTarget(tenant.command('list'))
    .description('All tenants; for who operates the platform')
    .action(async (options: Options) => {
      const api = await connect(options, env);
      const items = await all((cursor) => api.call('listTenants', { query: { cursor, limit: 500 } }));
      if (options.json === true) return output.print(json({ items }));
      output.print(tenantTable(items));
    });

  withTarget(tenant.command('show'))
    .description('The own tenant: quotas, and what was used in the last hour')
    .action(async (options: Options) => {
      const mine = await (await connect(options, env)).call('getTenant');
      if (options.json === true) return output.print(json(mine));
      output.print(tenantTable([mine]));
      const { devices, messagesLastHour, throttledSecondsLastHour } = mine.usage;
      output.print(
        `used: ${devices} devices, ${messagesLastHour} messages in the last hour, ${throttledSecondsLastHour} s slowed down`,
      );
    });

  withQuotas(withTarget(tenant.command('create')))
    .description('Make a tenant; prints the invitation for its administrator, once')
    .argument('<id>', 'its id: 2 to 63 of a-z, 0-9, -', matching(TenantId))
    .requiredOption('--administrator <email>', 'who is invited to administer it', matching(Email))
    .option('--name <name>', 'a name for people (default: its id)')
    .action(async (id: string, options: Options & QuotaOptions & { administrator: string; name?: string }) => {
      const api = await connect(options, env);
      const { administrator, name = id } = options;
      const made = await api.call('createTenant', {
        body: { id, name, administrator, quotas: { ...noQuotas, ...quotasOf(options) } },
      });
      if (options.json === true) return output.print(json(made));
      output.print(tenantTable([made.tenant]));
      printInvitation(made.invitation, output);
    });

  withQuotas(withTarget(tenant.command('set')))
    .description("Change a tenant's name or quotas")
    .argument('<id>', 'its id', matching(TenantId))
    .option('--name <name>', 'a name for people')
    .action(async (tenantId: string, options: Options & QuotaOptions & { name?: string }) => {
      const quotas = quotasOf(options);
      const { name } = options;
      if (name === undefined && Object.keys(quotas).length === 0)
        throw new UsageError('nothing to change: give --name, --devices, --messages or --requests');
      const body = {
        ...(name === undefined ? {} : { name }),
        ...(Object.keys(quotas).length === 0 ? {} : { quotas }),
      };
      const changed = await (await connect(options, env)).call('updateTenant', { params: { tenantId }, body });
      output.print(options.json === true ? json(changed) : tenantTable([changed]));
    });
}

function tenantTable(items: readonly Answer<'updateTenant'>[]): string {
  const limit = (value: number | null) => value ?? '-';
  return table(
    ['TENANT', 'NAME', 'DEVICES', 'MESSAGES/S', 'REQUESTS/S'],
    items.map(({ id, name, quotas: q }) => [
      id,
      name,
      limit(q.devices),
      limit(q.messagesPerSecond),
      limit(q.requestsPerSecond),
    ]),
  );
}

function registerUsers(program: Command, { env, output }: Context): void {
  const user = program.command('user').description('People of the tenant: invite, change, remove');

  withTarget(user.command('list'))
    .description('People, and invitations that are open')
    .action(async (options: Options) => {
      const api = await connect(options, env);
      const items = await all((cursor) => api.call('listUsers', { query: { cursor, limit: 500 } }));
      if (options.json === true) return output.print(json({ items }));
      output.print(
        table(
          ['EMAIL', 'ROLE', 'STATUS', 'SINCE'],
          items.map((u) => [u.email, u.role, u.status, u.createdAt]),
        ),
      );
    });

  withTarget(user.command('invite'))
    .description('Invite a person, or let one choose a new password; prints the code, once')
    .argument('<email>', 'the address', matching(Email))
    .addOption(roleOption())
    .action(async (email: string, options: Options & { role: Role }) => {
      const made = await (await connect(options, env)).call('inviteUser', { body: { email, role: options.role } });
      if (options.json === true) return output.print(json(made));
      printInvitation(made, output);
    });

  withTarget(user.command('role'))
    .description("Change a person's role")
    .argument('<email>', 'the address', matching(Email))
    .addOption(roleOption().makeOptionMandatory())
    .action(async (email: string, options: Options & { role: Role }) => {
      const api = await connect(options, env);
      const changed = await api.call('updateUser', { params: { email }, body: { role: options.role } });
      output.print(options.json === true ? json(changed) : `${changed.email} is ${changed.role} now`);
    });

  withTarget(user.command('remove'))
    .description('Remove a person or an invitation')
    .argument('<email>', 'the address', matching(Email))
    .action(async (email: string, options: Options) => {
      await (await connect(options, env)).call('removeUser', { params: { email } });
      output.print(options.json === true ? json({ removed: email }) : `${email} is removed`);
    });
}

function printInvitation({ email, role, code, url, expiresAt }: Answer<'inviteUser'>, output: Output): void {
  output.print(`${email} is invited as ${role}. Send this to that person alone; it is shown only now:`);
  output.print(
    table(
      ['WHERE', url],
      [
        ['CODE', code],
        ['UNTIL', expiresAt],
      ],
    ),
  );
}

function registerClients(program: Command, { env, output }: Context): void {
  const client = program.command('client').description('Machine clients of the tenant: make, remove');

  withTarget(client.command('list'))
    .description('Machine clients')
    .action(async (options: Options) => {
      const api = await connect(options, env);
      const items = await all((cursor) => api.call('listClients', { query: { cursor, limit: 500 } }));
      if (options.json === true) return output.print(json({ items }));
      output.print(
        table(
          ['CLIENT', 'NAME', 'SCOPES'],
          items.map((c) => [c.id, c.name, c.scopes.join(' ')]),
        ),
      );
    });

  withTarget(client.command('create'))
    .description('Make a machine client; prints its secret, once')
    .argument('<id>', 'its id', matching(MachineClient.shape.id))
    .requiredOption('--scope <scope>', 'what it may do; may be given several times', collect(scope))
    .option('--name <name>', 'a name for people (default: its id)')
    .action(async (id: string, options: Options & { scope: Scope[]; name?: string }) => {
      const { scope: scopes, name = id } = options;
      const made = await (await connect(options, env)).call('createClient', { body: { id, name, scopes } });
      if (options.json === true) return output.print(json(made));
      output.print(`client ${made.id} may ${made.scopes.join(' ')}. Its secret is shown only now:\n${made.secret}`);
    });

  withTarget(client.command('remove'))
    .description('Remove a machine client')
    .argument('<id>', 'its id', matching(MachineClient.shape.id))
    .action(async (clientId: string, options: Options) => {
      await (await connect(options, env)).call('removeClient', { params: { clientId } });
      output.print(options.json === true ? json({ removed: clientId }) : `client ${clientId} is removed`);
    });
}

function registerAudit(program: Command, { env, output }: Context): void {
  withTarget(program.command('audit'))
    .description('Who changed what in the tenant, newest first')
    .option('--subject <who>', 'only of this person or machine')
    .option('--action <action>', 'only this action, as device.block')
    .option('--target <what>', 'only about this device, person, …')
    .option('--from <time>', 'since: RFC 3339, epoch ms, or 15m, 2h, 7d ago', (t) => instant(t))
    .option('--to <time>', 'the same; not included', (t) => instant(t))
    .option('--limit <n>', 'at most so many', whole(1, 10_000), 50)
    .action(async (options: Options & Filter & { limit: number }) => {
      const items = await auditLines(await connect(options, env), options);
      if (options.json === true) return output.print(json({ items }));
      if (items.length === 0) return output.say('no line');
      output.print(
        table(
          ['AT', 'WHO', 'ACTION', 'TARGET', 'TRACE'],
          items.map((line) => [line.at, line.subject, line.action, line.target, line.trace ?? '-']),
        ),
      );
    });
}

type Filter = { subject?: string; action?: string; target?: string; from?: string; to?: string };

async function auditLines(api: Api, { subject, action, target, from, to, limit }: Filter & { limit: number }) {
  const items: Answer<'listAudit'>['items'] = [];
  let cursor: string | undefined;
  do {
    const query = { subject, action, target, from, to, cursor, limit: Math.min(500, limit - items.length) };
    const page = await api.call('listAudit', { query });
    items.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && items.length < limit);
  return items;
}

/** All pages of a listing. */
async function all<T>(
  page: (cursor: string | undefined) => Promise<{ items: T[]; next: string | null }>,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const { items: more, next } = await page(cursor);
    items.push(...more);
    cursor = next ?? undefined;
  } while (cursor !== undefined);
  return items;
}
