import type * as pulumi from '@pulumi/pulumi';
import { ProbeSettings } from '../../runtime/contracts/settings/probe.ts';
import { Component, type ComponentArgs } from '../component.ts';
import { serverNamesOf } from '../edge/names.ts';
import { ClockJob } from './job.ts';
import { inCluster, type WorkloadNeeds } from './needs.ts';
import { ports } from './ports.ts';
import { internalUrl } from './services.ts';
import { variablesOf } from './settings.ts';

export type ProbeArgs = ComponentArgs & {
  needs: WorkloadNeeds;
  namespace: string;
  priorityClass: string;
};

/** Longest time that a walk through the platform may take, seconds. */
const deadlineSeconds = 60;

/**
 * A device that comes by the clock: enrols, connects, publishes, and asks the API for its reading. Its log line has the
 * time of each step, and what failed. It walks inside the cluster; the way in from outside is watched by the uptime check
 * of the API, and by the devices' own connections.
 */
export class Probe extends Component {
  constructor(name: string, args: ProbeArgs, options: pulumi.ComponentResourceOptions) {
    super('workloads:Probe', name, args, inCluster(options, args.needs.cluster));
    const { environment, needs, namespace, priorityClass } = args;
    new ClockJob(
      `${name}-job`,
      {
        environment,
        cluster: needs.cluster,
        namespace,
        priorityClass,
        name: 'probe',
        account: 'probe',
        image: needs.images.references.probe,
        command: [],
        // Each walk is a certificate: of our own issuer it costs nothing, of CAS up to 0.30 dollars.
        // https://cloud.google.com/certificate-authority-service/pricing
        schedule: environment.deviceCertificates === 'kms' ? '*/5 * * * *' : '7 * * * *',
        deadlineSeconds: deadlineSeconds * 3,
        // A failure is the answer that was asked for; the next walk comes by the clock.
        retries: 0,
        env: variablesOf('probe', ProbeSettings, {
          IOT_API_URL: internalUrl('api', namespace),
          IOT_MQTT: `gateway.${namespace}.svc:${ports.mqtt}`,
          IOT_MQTT_SERVER_NAME: serverNamesOf(environment)[0],
          IOT_PROBE_CLIENT: needs.secrets.names['probe-client'],
          IOT_DEADLINE_SECONDS: deadlineSeconds,
        }),
      },
      { parent: this },
    );
    this.finish({});
  }
}
