import { ports } from './ports.ts';

/**
 * Who talks to whom, as data: the network policies are made from this table and nothing else, and a test holds it against
 * the settings of each service. What is not here is denied, in both directions.
 */
export const podNames = [
  'gateway',
  'processor',
  'devices',
  'telemetry',
  'api',
  'migrate',
  'authority',
  'retention',
  'sweep',
  'probe-client',
  'probe',
] as const;
export type PodName = (typeof podNames)[number];

/** What lies outside the namespace: stores by private address, Google's APIs, and an issuer of another's. */
export type Outside = 'google' | 'sql' | 'cache' | 'oidc' | 'traces';

export type Flow = { to: PodName; port: number };
export type Calls = { pods: readonly Flow[]; outside: readonly Outside[] };

const health = (...names: PodName[]): Flow[] => names.map((to) => ({ to, port: ports.health }));
const devices: Flow = { to: 'devices', port: ports.devices };

export const calls: Readonly<Record<PodName, Calls>> = {
  gateway: { pods: [devices], outside: ['google', 'cache', 'traces'] },
  processor: { pods: [], outside: ['google', 'sql', 'cache', 'traces'] },
  devices: { pods: [], outside: ['google', 'sql', 'cache', 'traces'] },
  telemetry: { pods: [devices], outside: ['google', 'sql', 'cache', 'traces'] },
  api: {
    pods: [
      devices,
      { to: 'telemetry', port: ports.telemetry },
      // Its platform page asks every part how it is.
      ...health('gateway', 'processor', 'devices', 'telemetry'),
    ],
    outside: ['google', 'sql', 'cache', 'oidc', 'traces'],
  },
  migrate: { pods: [], outside: ['google', 'sql'] },
  authority: { pods: [], outside: ['google', 'sql'] },
  retention: { pods: [], outside: ['google', 'sql'] },
  sweep: { pods: [], outside: ['google', 'sql'] },
  'probe-client': { pods: [], outside: ['google', 'sql'] },
  // A device and a program in one: it enrols over HTTP and publishes over MQTT.
  probe: {
    pods: [
      { to: 'api', port: ports.api },
      { to: 'gateway', port: ports.mqtt },
    ],
    outside: ['google', 'oidc'],
  },
};

/** Who comes from outside the namespace: devices, Google's proxies and health checkers, the collector of metrics. */
export type Visitor = 'devices' | 'enrolling-devices' | 'load-balancer' | 'collector';
export type Visit = { from: Visitor; port: number };

const collected: Visit = { from: 'collector', port: ports.health };
export const visits: Readonly<Record<PodName, readonly Visit[]>> = {
  gateway: [{ from: 'devices', port: ports.mqtt }, collected, { from: 'collector', port: ports.certificatesHealth }],
  processor: [collected],
  devices: [collected],
  telemetry: [collected],
  api: [
    { from: 'enrolling-devices', port: ports.est },
    { from: 'load-balancer', port: ports.api },
    { from: 'load-balancer', port: ports.health },
    collected,
    { from: 'collector', port: ports.certificatesHealth },
  ],
  migrate: [],
  authority: [],
  retention: [],
  sweep: [],
  'probe-client': [],
  probe: [],
};
