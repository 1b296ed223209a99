/**
 * Which service calls which: the launcher and the cluster's program give out identities by this table, and nobody else has
 * one. A caller's name is that of its Kubernetes service account, so the gateway's sidecar is `gateway` too.
 */
export const serviceCalls = {
  gateway: ['devices'],
  telemetry: ['devices'],
  api: ['devices', 'telemetry'],
} as const satisfies Record<string, readonly CalledService[]>;

/** Services with internal routes. */
export type CalledService = 'devices' | 'telemetry';
export type ServiceCaller = keyof typeof serviceCalls;
export const serviceCallers = Object.keys(serviceCalls) as readonly ServiceCaller[];

/**
 * Who may say for whom it asks: the API gateway, which has verified a token, and the telemetry service, which hands on the
 * api's word. What any other service asks is its own doing, whatever its headers say.
 */
export const speaksForOthers: ReadonlySet<ServiceCaller> = new Set(['api', 'telemetry']);

/** `aud` of a token for a service: a token for one opens no other, nor the Kubernetes API. */
export const audienceOf = (service: CalledService): string => `iot-${service}`;

/** `sub` of a caller's token, as Kubernetes writes it: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#service-account-tokens */
export const subjectPrefix = (namespace: string): string => `system:serviceaccount:${namespace}:`;
