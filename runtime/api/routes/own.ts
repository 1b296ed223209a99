import type { LiveStreams } from '../live/stream.ts';
import type { createParts } from '../platform/parts.ts';
import type { OwnHandler } from './operations.ts';

/** The operations that the gateway answers itself. */
export function ownHandlers(options: {
  parts: Pick<ReturnType<typeof createParts>, 'read'>;
  streams: LiveStreams;
  clock: () => number;
}): Record<string, OwnHandler> {
  return {
    whoAmI: async ({ principal }) => ({
      subject: principal.subject,
      tenant: principal.tenant,
      role: principal.role,
      scopes: principal.scopes,
      expiresAt: new Date(principal.expiresAt).toISOString(),
    }),
    getPlatform: async () => ({ at: new Date(options.clock()).toISOString(), parts: await options.parts.read() }),
    stream: async ({ principal, query, reply }) =>
      options.streams.open({ principal, device: (query as { device?: string }).device, reply }),
  };
}
