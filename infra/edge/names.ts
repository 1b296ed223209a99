import type { Environment } from '../environment.ts';
import { namespaceOf } from '../identity/names.ts';
import { nameOf } from '../plan/names.ts';

type Of = Pick<Environment, 'name' | 'domain'>;

/** Name under which devices reach the environment; null without a domain: they use the address. */
export const mqttHostOf = ({ domain }: Of): string | null => (domain === null ? null : `mqtt.${domain}`);
/** Name under which people and programs reach the API; null without a domain: through the cluster only. */
export const apiHostOf = ({ domain }: Of): string | null => (domain === null ? null : `api.${domain}`);

/** Name under which devices enrol by EST; null without a domain: they enrol by claim code, over the API. */
export const estHostOf = ({ domain }: Of): string | null => (domain === null ? null : `est.${domain}`);

/** Names in the gateway's server certificate. Without a domain a device connects to the address and expects this name. */
export const serverNamesOf = (of: Of): string[] => [mqttHostOf(of) ?? `gateway.${namespaceOf(of)}.svc`];

/** Base URL of the API: also the issuer of its tokens, so that it is one literal. */
export const publicUrlOf = (of: Of): string => {
  const host = apiHostOf(of);
  // Without a domain the API is reached by `kubectl port-forward`: docs/how-to/expose.md.
  return host === null ? 'http://localhost:8080' : `https://${host}`;
};

/** Physical names that Kubernetes objects refer to as text. */
export const edgeNames = ({ name }: Of) => ({
  mqttAddress: nameOf('compute', name, 'mqtt'),
  apiAddress: nameOf('compute', name, 'api'),
  estAddress: nameOf('compute', name, 'est'),
  certificateMap: nameOf('compute', name, 'api'),
  securityPolicy: nameOf('compute', name, 'api'),
  tlsPolicy: nameOf('compute', name, 'api'),
});
