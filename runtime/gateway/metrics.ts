import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { metricNames } from '../contracts/metrics.ts';
import type { RefusalLabel } from './session.ts';

const names = metricNames.gateway;

/** Plain numbers on the hot path; prom-client reads them when it is asked. */
export type Counts = {
  received: [number, number, number];
  acknowledged: number;
  spilled: number;
  refused: Map<RefusalLabel, number>;
  handshakes: { full: number; resumed: number; failed: number; refused: number };
  deliveries: { config: number; commands: number; confirmed: number };
};

export type Gauges = {
  connections: () => number;
  heldMessages: () => number;
  heldBytes: () => number;
  spillBacklog: () => number;
  spillRefused: () => number;
  pausedConnections: () => number;
  handshakesInProgress: () => number;
  handshakesWaiting: () => number;
  sourceAddresses: () => number;
  busUp: () => number;
  identityVersion: () => number;
  identityAgeSeconds: () => number;
  throttledTenants: () => number;
  throttledSeconds: () => number;
};

export function gatewayMetrics(registry: Registry, gauges: Gauges): { counts: Counts; ack: (seconds: number) => void } {
  const counts: Counts = {
    received: [0, 0, 0],
    acknowledged: 0,
    spilled: 0,
    refused: new Map(),
    handshakes: { full: 0, resumed: 0, failed: 0, refused: 0 },
    deliveries: { config: 0, commands: 0, confirmed: 0 },
  };
  const registers = [registry];
  counter(registers, names.received, 'PUBLISH packets taken in', 'qos', () => [
    ['0', counts.received[0]],
    ['1', counts.received[1]],
    ['2', counts.received[2]],
  ]);
  counter(registers, names.refused, 'Connections and packets refused', 'reason', () => [...counts.refused]);
  counter(registers, names.handshakes, 'TLS handshakes', 'result', () => Object.entries(counts.handshakes));
  counter(registers, names.deliveries, 'Messages of the platform to devices', 'kind', () =>
    Object.entries(counts.deliveries),
  );
  plainCounter(registers, names.acknowledged, 'PUBACK and PUBREC sent', () => counts.acknowledged);
  plainCounter(registers, names.spilled, 'Messages stored in the spill log', () => counts.spilled);
  gauge(registers, names.connections, 'Devices connected', gauges.connections);
  gauge(registers, names.heldMessages, 'Messages whose acknowledgement is held', gauges.heldMessages);
  gauge(registers, names.heldBytes, 'Payload bytes of messages held', gauges.heldBytes);
  gauge(registers, names.spillBacklog, 'Messages in the spill log', gauges.spillBacklog);
  gauge(
    registers,
    names.spillRefused,
    'Acknowledged messages that the bus refused for good, kept in files for a person to look at',
    gauges.spillRefused,
  );
  gauge(
    registers,
    'iot_gateway_throttled_tenants',
    'Tenants whose devices are read more slowly because of their quota',
    gauges.throttledTenants,
  );
  plainCounter(
    registers,
    'iot_gateway_throttled_seconds_total',
    'Time for which tenants were read more slowly because of their quota, added over tenants',
    gauges.throttledSeconds,
  );
  gauge(
    registers,
    'iot_gateway_paused_connections',
    'Connections not read for back-pressure',
    gauges.pausedConnections,
  );
  gauge(
    registers,
    'iot_gateway_handshakes_in_progress',
    'TLS handshakes begun and not ended',
    gauges.handshakesInProgress,
  );
  gauge(
    registers,
    'iot_gateway_handshakes_waiting',
    'Connections that wait for their TLS handshake to begin',
    gauges.handshakesWaiting,
  );
  gauge(
    registers,
    'iot_gateway_source_addresses',
    'Source addresses that the limits of the port are counted for',
    gauges.sourceAddresses,
  );
  gauge(registers, 'iot_gateway_bus_up', '1 while the bus takes messages', gauges.busUp);
  gauge(registers, 'iot_gateway_identity_version', 'Version of the identity changes in force', gauges.identityVersion);
  gauge(
    registers,
    'iot_gateway_identity_age_seconds',
    'Since the devices service last answered',
    gauges.identityAgeSeconds,
  );
  const ack = new Histogram({
    name: names.ackSeconds,
    help: 'From parsed PUBLISH to PUBACK handed to the socket',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  return { counts, ack: (seconds) => ack.observe(seconds) };
}

function counter(
  registers: Registry[],
  name: string,
  help: string,
  label: string,
  read: () => [string, number][],
): void {
  new Counter({
    name,
    help,
    labelNames: [label],
    registers,
    collect() {
      this.reset();
      for (const [value, count] of read()) this.inc({ [label]: value }, count);
    },
  });
}

function plainCounter(registers: Registry[], name: string, help: string, read: () => number): void {
  new Counter({
    name,
    help,
    registers,
    collect() {
      this.reset();
      this.inc(read());
    },
  });
}

function gauge(registers: Registry[], name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read());
    },
  });
}
