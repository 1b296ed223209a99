import { z } from 'zod';
import { CommandName } from './commands.ts';
import { DeviceId, TenantId } from './identifiers.ts';

/**
 * What gateways fetch from the devices service for the devices that they hold: desired states and commands. Internal,
 * not public. A word on Redis (`configChannel`) says "fetch for these devices now"; without it a gateway hears of them by
 * `deliveryChangesPath`, which it asks every two seconds, and at each connection it fetches anyhow.
 */
export const deliveryChangesPath = '/internal/delivery-changes';
export const deliveriesPath = '/internal/deliveries';
export const deliveriesReceivedPath = '/internal/deliveries/received';

export const deliveryBounds = {
  /** Devices of one request. */
  devices: 200,
  /** Of one answer, about; who did not fit in has `later`. */
  answerBytes: 8 * 1024 * 1024,
  /** Commands whose receipt is told in one request. */
  received: 1_000,
} as const;

export const DeliveryChanges = z.object({
  version: z.int(),
  complete: z.boolean(),
  changes: z.array(z.object({ tenant: z.string(), device: z.string() })),
  more: z.boolean(),
});
export type DeliveryChanges = z.infer<typeof DeliveryChanges>;

/** `config`: the version that it was sent on this connection, null when it does not listen. `commands`: how many it may get. */
export const DeliveryRequest = z.strictObject({
  gateway: z.string().min(1).max(63),
  devices: z
    .array(
      z.strictObject({
        tenant: TenantId,
        device: DeviceId,
        connection: z.int().min(0),
        config: z.int().min(0).nullable(),
        commands: z.int().min(0).max(100),
      }),
    )
    .min(1)
    .max(deliveryBounds.devices),
});
export type DeliveryRequest = z.infer<typeof DeliveryRequest>;
export type DeliveryAsk = DeliveryRequest['devices'][number];

export const Delivery = z.object({
  config: z.object({ version: z.int(), updatedAt: z.string(), desired: z.record(z.string(), z.unknown()) }).nullable(),
  commands: z.array(z.object({ id: z.string(), name: CommandName, deadline: z.number(), payload: z.unknown() })),
  /** There is more: ask again when there is room. */
  more: z.boolean(),
  /** It was left out of this answer for its size: ask again. */
  later: z.boolean(),
});
export type Delivery = z.infer<typeof Delivery>;
/** One delivery for each device asked for, in order. */
export const Deliveries = z.object({ devices: z.array(Delivery) });
export type Deliveries = z.infer<typeof Deliveries>;

/** Commands that devices have confirmed. */
export const DeliveriesReceived = z.strictObject({
  commands: z
    .array(z.strictObject({ tenant: TenantId, device: DeviceId, id: z.uuid() }))
    .min(1)
    .max(deliveryBounds.received),
});
export type DeliveriesReceived = z.infer<typeof DeliveriesReceived>;
