import { z } from 'zod';
import { jsonProblem, parseJson } from './json.ts';
import type { Unread } from './twin.ts';

/** Bounds of commands. Times in seconds. */
export const commandBounds = {
  payloadBytes: 64 * 1024,
  resultBytes: 64 * 1024,
  depth: 16,
  /** Commands of one device that are not finished. */
  openPerDevice: 100,
  /** Jobs of one tenant that are not finished. */
  openJobs: 20,
  timeoutSeconds: { shortest: 1, usual: 3_600, longest: 7 * 86_400 },
  waitSeconds: 30,
  /** Delivered to one device and not yet confirmed by it. */
  inFlight: 8,
} as const;

/**
 * Where a command stands. `queued`: durable, not sent yet. `sent`: written to a connection of the device. `acknowledged`:
 * the device has it (its PUBACK, or its own word). The others are final.
 */
export const commandStatuses = [
  'queued',
  'sent',
  'acknowledged',
  'succeeded',
  'failed',
  'expired',
  'cancelled',
] as const;
export type CommandStatus = (typeof commandStatuses)[number];
export const openStatuses = ['queued', 'sent', 'acknowledged'] as const satisfies readonly CommandStatus[];
export const isOpen = (status: CommandStatus): boolean => (openStatuses as readonly string[]).includes(status);

export const CommandName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'a command name has 1 to 64 of: letters, digits, _ . -')
  .meta({ example: 'reboot' });

/** Body on `/devices/{id}/commands/{name}`. JSON. A device may get it more than once and knows it by its id. */
export type CommandMessage = {
  id: string;
  /** Epoch milliseconds. After it the command is not delivered, and an answer comes too late. */
  deadline: number;
  payload: unknown;
};

/** Body that a device sends on `/devices/{id}/commands/{name}/result`. JSON. */
export const CommandResultMessage = z.strictObject({
  id: z.uuid(),
  /** `acknowledged` says that it has begun; the other two end it. */
  status: z.enum(['acknowledged', 'succeeded', 'failed']),
  /** Anything that people shall see of it. */
  result: z.unknown().optional(),
});
export type CommandResultMessage = z.infer<typeof CommandResultMessage>;

/** @returns the result in a payload, or why it is none. */
export function readResult(data: Uint8Array): CommandResultMessage | Unread {
  const { resultBytes, depth } = commandBounds;
  if (data.length > resultBytes)
    return { reason: 'too-large', problem: `a result has ${data.length} bytes, allowed are ${resultBytes}` };
  const malformed = (problem: string): Unread => ({ reason: 'malformed', problem });
  let value: unknown;
  try {
    value = parseJson(data);
  } catch (error) {
    return malformed((error as Error).message);
  }
  const problem = jsonProblem(value, depth + 1);
  if (problem !== undefined) return malformed(`a result ${problem}`);
  const parsed = CommandResultMessage.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return malformed(`a result's ${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'not valid'}`);
}
