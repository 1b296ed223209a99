import { z } from 'zod';
import { TenantId } from '../identifiers.ts';
import { Cursor, Instant, Limit, type Operation, page, scopes } from './operation.ts';

const Time = z.iso.datetime();
const Name = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}]*$/u, 'a name has no control characters');
export const Email = z
  .string()
  .max(254)
  .regex(/^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$/, 'an address is ASCII, as ada@example.org')
  .meta({ example: 'ada@example.org' });
const RoleName = z.enum(['viewer', 'operator', 'admin']);
const ClientId = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,128}$/, 'a client id has 1 to 128 of: letters, digits, . _ -')
  .meta({ example: 'line-controller' });

/** What a tenant may use; null: as much as there is. */
export const Quotas = z
  .strictObject({
    devices: z.int().min(0).max(10_000_000).nullable().meta({ description: 'Registered devices' }),
    messagesPerSecond: z
      .int()
      .min(1)
      .max(1_000_000)
      .nullable()
      .meta({ description: 'Of all devices together; beyond it they are read more slowly, nothing is lost' }),
    requestsPerSecond: z.int().min(1).max(100_000).nullable().meta({ description: 'API requests of all its clients' }),
  })
  .meta({ id: 'Quotas' });
export type Quotas = z.infer<typeof Quotas>;

export const Tenant = z
  .object({ id: TenantId, name: z.string(), quotas: Quotas, createdAt: Time })
  .meta({ id: 'Tenant' });
export type Tenant = z.infer<typeof Tenant>;

export const TenantUsage = Tenant.extend({
  usage: z.object({
    devices: z.int(),
    messagesLastHour: z.int().meta({ description: 'Taken from devices in the last 60 minutes' }),
    throttledSecondsLastHour: z
      .number()
      .meta({ description: 'Time for which gateways read more slowly because of the quota, added over gateways' }),
  }),
}).meta({ id: 'TenantUsage' });

export const Invitation = z
  .object({
    email: Email,
    role: RoleName,
    code: z.string().meta({ description: 'One use; shown here and never again' }),
    url: z.string().meta({ description: 'Where the code becomes a log-in' }),
    expiresAt: Time,
  })
  .meta({ id: 'Invitation' });
export type Invitation = z.infer<typeof Invitation>;

export const User = z
  .object({
    email: Email,
    role: RoleName,
    status: z.enum(['active', 'invited']),
    createdAt: Time,
  })
  .meta({ id: 'User' });
export type User = z.infer<typeof User>;

export const MachineClient = z
  .object({ id: ClientId, name: z.string(), scopes: z.array(z.enum(scopes)), createdAt: Time })
  .meta({ id: 'MachineClient' });
export type MachineClient = z.infer<typeof MachineClient>;

export const AuditEntry = z
  .object({
    id: z.string(),
    at: Time,
    subject: z.string().meta({ description: 'Who: a user, a machine client, or `device:ID`' }),
    action: z.string(),
    target: z.string(),
    before: z.unknown(),
    after: z.unknown(),
    trace: z.string().nullable().meta({ description: 'Finds every log line of the request' }),
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntry = z.infer<typeof AuditEntry>;

const people = { service: 'api', scope: 'admin' } as const;
const operator = { service: 'api', scope: 'tenants', tag: 'Tenants' } as const;
const emailParams = z.object({ email: Email });
const conflict = [409, 413, 415] as const;

export const peopleOperations = [
  {
    id: 'getTenant',
    method: 'GET',
    path: '/v1/tenant',
    service: 'api',
    scope: 'platform:read',
    tag: 'Tenants',
    summary: "The caller's tenant, what it may use and what it used",
    success: { status: 200, body: TenantUsage },
    problems: [],
  },
  {
    ...operator,
    id: 'listTenants',
    method: 'GET',
    path: '/v1/tenants',
    summary: 'All tenants by id',
    query: z.object({ cursor: Cursor.optional(), limit: Limit(50, 500) }),
    success: { status: 200, body: page(Tenant).meta({ id: 'TenantPage' }) },
    problems: [],
  },
  {
    ...operator,
    id: 'createTenant',
    method: 'POST',
    path: '/v1/tenants',
    summary: 'Make a tenant and invite its administrator',
    body: z
      .strictObject({
        id: TenantId,
        name: Name,
        administrator: Email,
        quotas: Quotas.default({ devices: null, messagesPerSecond: null, requestsPerSecond: null }),
      })
      .meta({ id: 'NewTenant' }),
    success: {
      status: 201,
      body: z.object({ tenant: Tenant, invitation: Invitation }).meta({ id: 'TenantMade' }),
    },
    problems: conflict,
  },
  {
    ...operator,
    id: 'updateTenant',
    method: 'PATCH',
    path: '/v1/tenants/{tenantId}',
    summary: "Change a tenant's name or quotas; a quota that is not named stays",
    params: z.object({ tenantId: TenantId }),
    body: z.strictObject({ name: Name.optional(), quotas: Quotas.partial().optional() }).meta({ id: 'TenantPatch' }),
    success: { status: 200, body: Tenant },
    problems: [404, ...conflict],
  },
  {
    ...people,
    tag: 'People',
    id: 'listUsers',
    method: 'GET',
    path: '/v1/users',
    summary: 'People of the tenant, invited ones too, by address',
    query: z.object({ cursor: Cursor.optional(), limit: Limit(50, 500) }),
    success: { status: 200, body: page(User).meta({ id: 'UserPage' }) },
    problems: [],
  },
  {
    ...people,
    tag: 'People',
    id: 'inviteUser',
    method: 'POST',
    path: '/v1/users',
    summary: 'Invite a person; inviting again makes a new code and ends the old one',
    body: z.strictObject({ email: Email, role: RoleName }).meta({ id: 'NewUser' }),
    success: { status: 201, body: Invitation },
    problems: conflict,
  },
  {
    ...people,
    tag: 'People',
    id: 'updateUser',
    method: 'PATCH',
    path: '/v1/users/{email}',
    summary: "Change a person's role; tokens that are out keep the old one for 15 minutes at most",
    params: emailParams,
    body: z.strictObject({ role: RoleName }).meta({ id: 'UserPatch' }),
    success: { status: 200, body: User },
    problems: [404, ...conflict],
  },
  {
    ...people,
    tag: 'People',
    id: 'removeUser',
    method: 'DELETE',
    path: '/v1/users/{email}',
    summary: 'Remove a person or an invitation; ends the sessions, and tokens within 15 minutes',
    params: emailParams,
    success: { status: 204 },
    problems: [404, 409],
  },
  {
    ...people,
    tag: 'Machines',
    id: 'listClients',
    method: 'GET',
    path: '/v1/clients',
    summary: 'Machine clients of the tenant by id',
    query: z.object({ cursor: Cursor.optional(), limit: Limit(50, 500) }),
    success: { status: 200, body: page(MachineClient).meta({ id: 'MachineClientPage' }) },
    problems: [],
  },
  {
    ...people,
    tag: 'Machines',
    id: 'createClient',
    method: 'POST',
    path: '/v1/clients',
    summary: 'Make a machine client; its secret is answered here and never again',
    body: z
      .strictObject({ id: ClientId, name: Name, scopes: z.array(z.enum(scopes)).min(1).max(scopes.length) })
      .meta({ id: 'NewMachineClient' }),
    success: {
      status: 201,
      body: MachineClient.extend({ secret: z.string() }).meta({ id: 'MachineClientMade' }),
    },
    problems: conflict,
  },
  {
    ...people,
    tag: 'Machines',
    id: 'removeClient',
    method: 'DELETE',
    path: '/v1/clients/{clientId}',
    summary: 'Remove a machine client; its tokens end within 15 minutes',
    params: z.object({ clientId: ClientId }),
    success: { status: 204 },
    problems: [404],
  },
  {
    ...people,
    tag: 'Audit',
    id: 'listAudit',
    method: 'GET',
    path: '/v1/audit',
    summary: 'Who changed what, newest first, with what it was before and after',
    query: z.object({
      subject: z.string().min(1).max(256).optional(),
      action: z
        .string()
        .regex(/^[a-z-]+(\.[a-z-]+)?$/, 'an action is as device.block')
        .max(64)
        .optional(),
      target: z.string().min(1).max(256).optional(),
      from: Instant.optional(),
      to: Instant.optional(),
      cursor: Cursor.optional(),
      limit: Limit(50, 500),
    }),
    success: { status: 200, body: page(AuditEntry).meta({ id: 'AuditPage' }) },
    problems: [],
  },
] as const satisfies readonly Operation[];
