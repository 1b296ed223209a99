import { z } from 'zod';
import { CommandName, commandBounds, commandStatuses } from '../commands.ts';
import { DeviceId, DeviceTypeId } from '../identifiers.ts';
import { jsonBytes, jsonProblem } from '../json.ts';
import { Tag } from './devices.ts';
import { Cursor, Limit, type Operation, page } from './operation.ts';

const Time = z.iso.datetime();
const { payloadBytes, depth, timeoutSeconds, waitSeconds } = commandBounds;

const Payload = z
  .unknown()
  .superRefine((value, context) => {
    const bytes = value === undefined ? 0 : jsonBytes(value);
    const problem =
      jsonProblem(value, depth) ??
      (bytes > payloadBytes ? `has ${bytes} bytes as JSON, allowed are ${payloadBytes}` : undefined);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: `a payload ${problem}` });
  })
  .meta({ description: 'Any JSON, 64 KB, 16 levels' });

export const NewCommand = z
  .strictObject({
    name: CommandName,
    payload: Payload.optional(),
    timeoutSeconds: z
      .int()
      .min(timeoutSeconds.shortest)
      .max(timeoutSeconds.longest)
      .default(timeoutSeconds.usual)
      .meta({ description: 'From now to its deadline; until then it is delivered, again if need be' }),
  })
  .meta({ id: 'NewCommand', example: { name: 'reboot', payload: { delay: 5 }, timeoutSeconds: 600 } });
export type NewCommand = z.infer<typeof NewCommand>;

export const Command = z
  .object({
    id: z.uuid(),
    device: DeviceId,
    name: CommandName,
    payload: z.unknown(),
    status: z.enum(commandStatuses),
    job: z.uuid().nullable(),
    createdAt: Time,
    createdBy: z.string(),
    deadline: Time,
    attempts: z.int().meta({ description: 'How often it was sent' }),
    sentAt: Time.nullable(),
    acknowledgedAt: Time.nullable(),
    finishedAt: Time.nullable(),
    result: z.unknown().meta({ description: 'What the device said; null without' }),
    late: z
      .object({ status: z.enum(['succeeded', 'failed']), result: z.unknown(), at: Time })
      .nullable()
      .meta({ description: 'An answer that came after the command had expired or was cancelled' }),
  })
  .meta({ id: 'Command' });
export type Command = z.infer<typeof Command>;

export const NewCommandJob = NewCommand.extend({
  tag: Tag.optional(),
  type: DeviceTypeId.optional(),
})
  .refine(({ tag, type }) => tag !== undefined || type !== undefined, {
    path: ['tag'],
    message: 'a job names a tag, a type, or both',
  })
  .meta({ id: 'NewCommandJob', example: { name: 'reboot', tag: 'building', timeoutSeconds: 600 } });
export type NewCommandJob = z.infer<typeof NewCommandJob>;

export const CommandJob = z
  .object({
    id: z.uuid(),
    name: CommandName,
    payload: z.unknown(),
    tag: z.string().nullable(),
    type: z.string().nullable(),
    status: z
      .enum(['queueing', 'running', 'cancelling', 'finished', 'cancelled'])
      .meta({ description: 'queueing: its commands are being made; running: not all of them are finished' }),
    createdAt: Time,
    createdBy: z.string(),
    deadline: Time,
    commands: z.int().meta({ description: 'Commands made so far' }),
    skipped: z.int().meta({ description: 'Devices whose queue was full' }),
    counts: z.object(Object.fromEntries(commandStatuses.map((status) => [status, z.int()])) as Counts),
  })
  .meta({ id: 'CommandJob' });
type Counts = { [S in (typeof commandStatuses)[number]]: z.ZodInt };
export type CommandJob = z.infer<typeof CommandJob>;

const idempotency = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, 'Idempotency-Key is 1 to 128 printable ASCII characters')
    .optional()
    .meta({ description: 'The same key again answers with what the first request made' }),
});
const wait = z.object({
  wait: z.coerce
    .number()
    .int()
    .min(0)
    .max(waitSeconds)
    .default(0)
    .meta({ description: 'Seconds to wait for the command to finish' }),
});
const listing = { cursor: Cursor.optional(), limit: Limit(50, 500) };
const device = z.object({ deviceId: DeviceId });
const command = z.object({ deviceId: DeviceId, commandId: z.uuid() });
const job = z.object({ jobId: z.uuid() });
const write = { service: 'devices', scope: 'devices:write', tag: 'Commands' } as const;
const read = { service: 'devices', scope: 'devices:read', tag: 'Commands' } as const;
const bodyBytes = 2 * payloadBytes;

export const commandOperations = [
  {
    id: 'sendCommand',
    method: 'POST',
    path: '/v1/devices/{deviceId}/commands',
    summary: 'Queue a command for a device; it is delivered when the device is connected, until its deadline',
    params: device,
    query: wait,
    headers: idempotency,
    body: NewCommand,
    bodyBytes,
    waitSeconds,
    success: { status: 201, body: Command },
    problems: [404, 409, 413, 415, 422],
    ...write,
  },
  {
    id: 'listCommands',
    method: 'GET',
    path: '/v1/devices/{deviceId}/commands',
    summary: "A device's commands, newest first",
    params: device,
    query: z.object({ status: z.enum(commandStatuses).optional(), ...listing }),
    success: { status: 200, body: page(Command).meta({ id: 'CommandPage' }) },
    problems: [404],
    ...read,
  },
  {
    id: 'getCommand',
    method: 'GET',
    path: '/v1/devices/{deviceId}/commands/{commandId}',
    summary: 'One command; waits for its end when asked to',
    params: command,
    query: wait,
    waitSeconds,
    success: { status: 200, body: Command },
    problems: [404],
    ...read,
  },
  {
    id: 'cancelCommand',
    method: 'POST',
    path: '/v1/devices/{deviceId}/commands/{commandId}/cancel',
    summary: 'Cancel a command that is not finished; what the device has already it may still do',
    params: command,
    success: { status: 200, body: Command },
    problems: [404, 409, 415],
    ...write,
  },
  {
    id: 'createCommandJob',
    method: 'POST',
    path: '/v1/command-jobs',
    summary: 'Queue a command for every device of a tag or type',
    headers: idempotency,
    body: NewCommandJob,
    bodyBytes,
    success: { status: 201, body: CommandJob },
    problems: [409, 413, 415, 422],
    ...write,
  },
  {
    id: 'listCommandJobs',
    method: 'GET',
    path: '/v1/command-jobs',
    summary: 'Command jobs, newest first',
    query: z.object(listing),
    success: { status: 200, body: page(CommandJob).meta({ id: 'CommandJobPage' }) },
    problems: [],
    ...read,
  },
  {
    id: 'getCommandJob',
    method: 'GET',
    path: '/v1/command-jobs/{jobId}',
    summary: 'A command job and how far its commands are',
    params: job,
    success: { status: 200, body: CommandJob },
    problems: [404],
    ...read,
  },
  {
    id: 'listJobCommands',
    method: 'GET',
    path: '/v1/command-jobs/{jobId}/commands',
    summary: "A job's commands, newest first",
    params: job,
    query: z.object({ status: z.enum(commandStatuses).optional(), ...listing }),
    success: { status: 200, body: page(Command).meta({ id: 'JobCommandPage' }) },
    problems: [404],
    ...read,
  },
  {
    id: 'cancelCommandJob',
    method: 'POST',
    path: '/v1/command-jobs/{jobId}/cancel',
    summary: 'Make no more commands of this job and cancel those that are not finished',
    params: job,
    success: { status: 200, body: CommandJob },
    problems: [404, 415],
    ...write,
  },
] as const satisfies readonly Operation[];
