/** Every port of the local stand, each a fixed step above `--port-base`. All on 127.0.0.1. */
export const portSteps = {
  api: 80,
  devices: 81,
  telemetry: 82,
  pubsub: 85,
  gatewayHealth: 101,
  processorHealth: 102,
  devicesHealth: 103,
  telemetryHealth: 104,
  apiHealth: 105,
  simulatorHealth: 106,
  pubsubHealth: 107,
  redis: 379,
  postgres: 432,
  mqtt: 883,
  est: 884,
} as const;

export type PortName = keyof typeof portSteps;
export type Ports = Readonly<Record<PortName, number>>;

export const defaultPortBase = 18_000;
/** Below 1024 only root may listen; from 32768 on the kernel hands out ports for outgoing connections. */
export const portBaseRange = { min: 1_024, max: 32_767 - Math.max(...Object.values(portSteps)) } as const;

/** @throws RangeError naming the value and what is allowed. */
export function planPorts(base: number): Ports {
  if (!Number.isInteger(base) || base < portBaseRange.min || base > portBaseRange.max)
    throw new RangeError(
      `--port-base is ${base}: allowed is a whole number ${portBaseRange.min} to ${portBaseRange.max}`,
    );
  return Object.fromEntries(Object.entries(portSteps).map(([name, step]) => [name, base + step])) as Record<
    PortName,
    number
  >;
}
