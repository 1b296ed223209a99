import type pg from 'pg';
import { z } from 'zod';
import { instantMs } from '../../contracts/http/operation.ts';
import type { peopleOperations } from '../../contracts/http/people.ts';
import { inTransaction } from '../../platform/database/transaction.ts';
import type { Upstream } from '../../platform/http/client.ts';
import { UpstreamAway } from '../../platform/http/client.ts';
import { decodeCursor, toPage } from '../../platform/http/cursor.ts';
import type { Principal } from '../access/principal.ts';
import { contextOf } from '../routes/context.ts';
import type { OwnHandler } from '../routes/operations.ts';
import { type Actor, auditLines } from './audit.ts';
import { createClient, listClients, removeClient } from './clients.ts';
import { type Invited, invite } from './invitations.ts';
import { createTenant, listTenants, tenantUsage, updateTenant } from './tenants.ts';
import { listUsers, removeUser, updateUser } from './users.ts';

type Rows = { [Row in (typeof peopleOperations)[number] as Row['id']]: Row };
type Place<Row, Name extends string> = Row extends { [N in Name]: infer S extends z.ZodType } ? z.output<S> : undefined;
type Asked<Row> = {
  principal: Principal;
  actor: Actor;
  traceparent: string;
  params: Place<Row, 'params'>;
  query: Place<Row, 'query'>;
  body: Place<Row, 'body'>;
};

const AfterId = z.object({ after: z.string().max(254) });
const BeforeLine = z.object({ before: z.string().regex(/^[0-9]{1,19}$/) });

/** Tenants, people, machines and the audit log: what the api itself owns. */
export function peopleHandlers(options: {
  core: pg.Pool;
  devices: Pick<Upstream, 'call'>;
  /** Where an invitation's code becomes a log-in. */
  invitationUrl: string;
  clock: () => number;
}): Record<keyof Rows, OwnHandler> {
  const { core, devices, invitationUrl, clock } = options;
  const shown = (invitation: Invited) => ({ ...invitation, url: invitationUrl });
  const handlers: { [Id in keyof Rows]: (asked: Asked<Rows[Id]>) => Promise<unknown> } = {
    getTenant: async ({ principal, traceparent }) =>
      tenantUsage(core, principal.tenant, await countDevices(devices, principal, traceparent)),
    listTenants: async ({ query }) => {
      const rows = await listTenants(core, after(query.cursor), query.limit);
      return toPage(rows, query.limit, same, ({ id }) => ({ after: id }));
    },
    createTenant: async ({ actor, body }) => {
      const { tenant, invitation } = await createTenant(core, actor, body, clock());
      return { tenant, invitation: shown(invitation) };
    },
    updateTenant: ({ actor, params, body }) => updateTenant(core, actor, params.tenantId, body),
    listUsers: async ({ principal, query }) => {
      const rows = await listUsers(core, principal.tenant, after(query.cursor), query.limit);
      return toPage(rows, query.limit, same, ({ email }) => ({ after: email }));
    },
    inviteUser: async ({ actor, body }) =>
      shown(await inTransaction(core, (tx) => invite(tx, actor.tenant, actor, body, clock()))),
    updateUser: ({ actor, params, body }) => updateUser(core, actor, params.email, body.role),
    removeUser: ({ actor, params }) => removeUser(core, actor, params.email),
    listClients: async ({ principal, query }) => {
      const rows = await listClients(core, principal.tenant, after(query.cursor), query.limit);
      return toPage(rows, query.limit, same, ({ id }) => ({ after: id }));
    },
    createClient: ({ actor, principal, body }) => createClient(core, { ...actor, scopes: principal.scopes }, body),
    removeClient: ({ actor, params }) => removeClient(core, actor, params.clientId),
    listAudit: async ({ principal, query }) => {
      const { subject, action, target, limit } = query;
      const rows = await auditLines(core, principal.tenant, {
        subject,
        action,
        target,
        from: query.from === undefined ? undefined : instantMs(query.from),
        to: query.to === undefined ? undefined : instantMs(query.to),
        before: decodeCursor(BeforeLine, query.cursor)?.before,
        limit,
      });
      return toPage(rows, limit, same, ({ id }) => ({ before: id }));
    },
  };
  return Object.fromEntries(
    Object.entries(handlers).map(([id, handle]): [string, OwnHandler] => [
      id,
      ({ principal, request, params, query, body }) => {
        const { trace, traceparent } = contextOf(request);
        const actor = { tenant: principal.tenant, subject: principal.subject, trace };
        // `validateRequest` has made these of the same row that the types are made of.
        return (handle as (asked: unknown) => Promise<unknown>)({ principal, actor, traceparent, params, query, body });
      },
    ]),
  ) as Record<keyof Rows, OwnHandler>;
}

const same = <T>(row: T): T => row;
const after = (cursor: string | undefined) => decodeCursor(AfterId, cursor)?.after ?? '';

async function countDevices(devices: Pick<Upstream, 'call'>, principal: Principal, traceparent: string) {
  const { tenant, subject, scopes } = principal;
  const caller = { tenant, subject, scopes, traceparent };
  const answer = await devices.call({ method: 'GET', path: '/internal/counts', caller });
  if (answer.status !== 200) throw new UpstreamAway('devices', `answered ${answer.status} to a count`);
  return (JSON.parse(answer.body.toString()) as { devices: number }).devices;
}
