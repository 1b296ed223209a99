import type { z } from 'zod';
import {
  Deliveries,
  type DeliveriesReceived,
  DeliveryChanges,
  type DeliveryRequest,
  deliveriesPath,
  deliveriesReceivedPath,
  deliveryChangesPath,
} from '../contracts/deliveries.ts';
import { callerHeaders } from '../contracts/http/index.ts';
import { defaultTenant } from '../contracts/identifiers.ts';
import type { ServiceToken } from '../platform/identity/service-token.ts';

/** What the gateway asks the devices service about deliveries. Each rejects when there is no good answer in time. */
export type DevicesCalls = {
  changes(after: number | undefined): Promise<DeliveryChanges>;
  pull(request: DeliveryRequest): Promise<Deliveries>;
  received(request: DeliveriesReceived): Promise<void>;
};

const timeoutMs = 10_000;

export function devicesCalls(devicesUrl: string, identity: ServiceToken): DevicesCalls {
  const call = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const url = new URL(path, devicesUrl);
    const response = await fetch(url, {
      ...init,
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await identity.current()}`,
        // Every internal request names a tenant; these span all.
        [callerHeaders.tenant]: defaultTenant,
      },
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status === 401) identity.forget(); // asked again soon
    if (!response.ok)
      throw new Error(`${url.href} answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
    return await response.json();
  };
  const read = async <S extends z.ZodType>(schema: S, path: string, body?: unknown): Promise<z.output<S>> =>
    schema.parse(await call(path, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }));
  return {
    changes: (after) => read(DeliveryChanges, `${deliveryChangesPath}${after === undefined ? '' : `?after=${after}`}`),
    pull: (request) => read(Deliveries, deliveriesPath, request),
    received: async (request) => {
      await call(deliveriesReceivedPath, { method: 'POST', body: JSON.stringify(request) });
    },
  };
}
