import * as pulumi from '@pulumi/pulumi';
import { CertificatesSettings } from '../../runtime/contracts/settings/services.ts';
import type { SecretName } from '../access.ts';
import { type ContainerPlan, identityPath } from './pod.ts';
import { ports } from './ports.ts';
import { commonSettings, internalUrl, type ServiceContext, tlsFolder } from './services.ts';
import { variablesOf } from './settings.ts';

/** The sidecar that gets a pod its server certificate for these names, and keeps it new (decision 0013). */
export function certificatesContainer(
  context: ServiceContext,
  { names, tickets }: { names: readonly string[]; tickets?: SecretName },
): ContainerPlan {
  const { environment, needs, namespace } = context;
  return {
    name: 'certificates',
    image: needs.images.references.certificates,
    cpu: '50m',
    memory: '128Mi',
    folders: [tlsFolder],
    calls: ['devices'],
    healthPort: ports.certificatesHealth,
    ports: { 'sidecar-health': ports.certificatesHealth },
    env: variablesOf('certificates', CertificatesSettings, {
      ...commonSettings(context),
      IOT_HEALTH_PORT: ports.certificatesHealth,
      IOT_TLS_DIR: tlsFolder.path,
      IOT_SERVER_CA_POOL: pulumi.output(needs.authority.serverPool),
      IOT_SERVER_NAMES: names.join(','),
      IOT_IDENTITY_DIR: identityPath,
      IOT_SERVER_CERTIFICATE_HOURS: environment.tier.authority.serverCertificateHours,
      ...(tickets === undefined ? {} : { IOT_TICKET_SECRET: needs.secrets.names[tickets] }),
      IOT_DEVICES_URL: internalUrl('devices', namespace),
    }),
  };
}
