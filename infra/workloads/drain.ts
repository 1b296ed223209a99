import type { Plan } from '../plan/types.ts';

/** Sessions that a stopping gateway closes each second: what the others can take with full handshakes. docs/benchmarks.md */
const closesPerSecond = 92;

/**
 * How long a gateway goes on as before when it is told to stop: the load balancer's health check fails after two tries of
 * 8 s at most, and only then sends nobody new. https://cloud.google.com/kubernetes-engine/docs/concepts/service-load-balancer-parameters
 */
const preStopSeconds = 20;
/** After the last session: acknowledgements that are held (10 s at most), the queue of the bus, and a reserve. */
const restSeconds = 45;
/** Autopilot's highest grace period: https://cloud.google.com/kubernetes-engine/docs/how-to/extended-duration-pods */
const longest = 600;

/** How a gateway pod ends: pure arithmetic over the plan, in seconds. */
export function drainOf(plan: {
  fleet: Pick<Plan['fleet'], 'devices'>;
  pods: Pick<Plan['pods'], 'gateway'>;
  devicesPerGateway: number;
}): {
  preStopSeconds: number;
  drainSeconds: number;
  graceSeconds: number;
} {
  const each = Math.min(plan.devicesPerGateway, Math.ceil(plan.fleet.devices / plan.pods.gateway.replicas));
  const drainSeconds = Math.min(Math.max(5, Math.ceil(each / closesPerSecond)), longest - preStopSeconds - restSeconds);
  return { preStopSeconds, drainSeconds, graceSeconds: preStopSeconds + drainSeconds + restSeconds };
}
