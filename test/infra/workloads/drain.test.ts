import fc from 'fast-check';
import { expect, test } from 'vitest';
import { drainOf } from '../../../infra/workloads/drain.ts';
import { GatewaySettings } from '../../../runtime/contracts/settings/services.ts';
import { environmentFor } from '../support/component.ts';

/** Longest that a gateway holds an acknowledgement after its last session (runtime/gateway/README.md), seconds. */
const longestHold = 10;

test('a pod has time for the load balancer, for every session and for what is held', () => {
  fc.assert(
    fc.property(
      fc.record({
        devices: fc.integer({ min: 1, max: 2_000_000 }),
        replicas: fc.integer({ min: 1, max: 200 }),
        devicesPerGateway: fc.integer({ min: 1, max: 200_000 }),
      }),
      ({ devices, replicas, devicesPerGateway }) => {
        const { preStopSeconds, drainSeconds, graceSeconds } = drainOf({
          fleet: { devices },
          pods: { gateway: { replicas, maximum: replicas, cpu: '1', memory: '1Gi' } },
          devicesPerGateway,
        });
        expect(graceSeconds).toBeGreaterThanOrEqual(preStopSeconds + drainSeconds + longestHold);
        // Autopilot's highest.
        expect(graceSeconds).toBeLessThanOrEqual(600);
        expect(GatewaySettings.shape.IOT_DRAIN_SECONDS.safeParse(drainSeconds).success).toBe(true);
      },
    ),
  );
});

test('sessions of a full pod are closed no faster than the others take them', () => {
  const { plan } = environmentFor({ tier: 'prod', settings: { devices: 55_000 } });
  const { drainSeconds } = drainOf(plan);
  expect(55_000 / plan.pods.gateway.replicas / drainSeconds).toBeLessThanOrEqual(92);
});
