/**
 * Images of the platform: one bundle each. `jobs` runs migrations, retention and the authority's first steps;
 * `certificates` is the sidecar that gets a gateway its server certificate; `probe` enrols and publishes like a device.
 */
export const imageNames = [
  'gateway',
  'processor',
  'devices',
  'telemetry',
  'api',
  'jobs',
  'certificates',
  'probe',
] as const;
export type ImageName = (typeof imageNames)[number];
