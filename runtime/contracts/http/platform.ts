import { z } from 'zod';
import { DeviceId } from '../identifiers.ts';
import { type Operation, scopes } from './operation.ts';
import { PlatformPart } from './telemetry.ts';

export const platformOperations = [
  {
    id: 'whoAmI',
    method: 'GET',
    path: '/v1/whoami',
    service: 'api',
    scope: 'platform:read',
    tag: 'Platform',
    summary: 'Who the token speaks for',
    success: {
      status: 200,
      body: z
        .object({
          subject: z.string(),
          tenant: z.string(),
          role: z.string().nullable(),
          scopes: z.array(z.enum(scopes)),
          expiresAt: z.iso.datetime(),
        })
        .meta({ id: 'WhoAmI' }),
    },
    problems: [],
  },
  {
    id: 'getPlatform',
    method: 'GET',
    path: '/v1/platform',
    service: 'api',
    scope: 'platform:read',
    tag: 'Platform',
    summary: "Each part's health and rates along the path",
    success: {
      status: 200,
      body: z.object({ at: z.iso.datetime(), parts: z.array(PlatformPart) }).meta({ id: 'Platform' }),
    },
    problems: [],
  },
  {
    id: 'stream',
    method: 'GET',
    path: '/v1/stream',
    service: 'api',
    scope: 'telemetry:read',
    tag: 'Telemetry',
    summary:
      'Live state changes as server-sent events (`state`, `connection`, `alert`; `ping` each 15 seconds; `resync`: events may be missing, read anew; `lagged`: you read too slowly; `end`: the token expired or the server stops)',
    query: z.object({ device: DeviceId.optional().meta({ description: 'Only this device' }) }),
    success: { status: 200, contentType: 'text/event-stream', body: z.string() },
    problems: [],
  },
] as const satisfies readonly Operation[];
