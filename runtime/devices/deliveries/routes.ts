import { z } from 'zod';
import {
  DeliveriesReceived,
  DeliveryRequest,
  deliveriesPath,
  deliveriesReceivedPath,
  deliveryChangesPath,
} from '../../contracts/deliveries.ts';
import type { InternalRoute } from '../../platform/http/serve.ts';
import type { CommandRow } from '../commands/rows.ts';
import type { Core } from '../database.ts';
import type { TwinDocuments } from '../twin/documents.ts';
import { deliveryChangesAfter } from './changes.ts';
import { pullDeliveries, receiveCommands } from './pull.ts';

const AfterQuery = z.object({
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(5_000),
});

export type DeliveryParts = {
  core: Core;
  twins: TwinDocuments;
  clock: () => number;
  onCommands: (rows: readonly CommandRow[]) => void;
};

/** What gateways ask: contracts/deliveries.ts. */
export function deliveryRoutes({ core, twins, clock, onCommands }: DeliveryParts): InternalRoute[] {
  return [
    {
      method: 'GET',
      callers: ['gateway'],
      path: deliveryChangesPath,
      query: AfterQuery,
      handler: ({ query }) => {
        const { after, limit } = query as z.output<typeof AfterQuery>;
        return deliveryChangesAfter(core, after, limit);
      },
    },
    {
      method: 'POST',
      callers: ['gateway'],
      path: deliveriesPath,
      body: DeliveryRequest,
      handler: ({ body }) => pullDeliveries({ core, twins }, (body as DeliveryRequest).devices, clock()),
    },
    {
      method: 'POST',
      callers: ['gateway'],
      path: deliveriesReceivedPath,
      body: DeliveriesReceived,
      handler: async ({ body }) => {
        const outcomes = await receiveCommands(core, body as DeliveriesReceived, clock());
        onCommands(outcomes.flatMap(({ row, ignored }) => (row && ignored === undefined ? [row] : [])));
        return {};
      },
    },
  ];
}
