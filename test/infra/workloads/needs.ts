import * as gcp from '@pulumi/gcp';
import * as kubernetes from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { secretNames, type WorkloadName } from '../../../infra/access.ts';
import type { Environment } from '../../../infra/environment.ts';
import { type ImageName, imageNames } from '../../../infra/images/names.ts';
import type { WorkloadNeeds } from '../../../infra/workloads/needs.ts';
import { Workloads } from '../../../infra/workloads/workloads.ts';
import { type ComponentGiven, recordComponent } from '../support/component.ts';

/** A part that exists for the workloads only by its name and its public fields, with one resource to wait for. */
class Part extends pulumi.ComponentResource {
  constructor(name: string, options: pulumi.ComponentResourceOptions) {
    super('iot:test:Part', name, {}, options);
    new gcp.storage.Bucket(name, { name, location: 'EU' }, { parent: this });
    this.registerOutputs({});
  }
}

const digest = (image: string) => `sha256:${Buffer.from(image).toString('hex').padEnd(64, '0')}`;

/** The other components' public fields with values as Google would give them. */
export function needsOf(
  environment: Environment,
  options: pulumi.ComponentResourceOptions,
  release = '',
): WorkloadNeeds {
  const { project, region } = environment;
  const part = <F extends object>(name: string, fields: F) => Object.assign(new Part(name, options), fields);
  const place = `projects/${project}/locations/${region}`;
  const home = new Part('home', options);
  const gke = new gcp.container.Cluster('cluster', { location: region, name: environment.name }, { parent: home });
  // An output that is unknown at preview, as everything is that Google computes.
  const later = (value: string) => gke.id.apply(() => value);
  const sql = (instance: string, database: string, workload: WorkloadName) =>
    later(`cloudsql:${project}:${region}:${instance}/${database}?user=${environment.name}-${workload}@${project}.iam`);
  return {
    cluster: part('cluster', { cluster: gke, kubernetes: new kubernetes.Provider('kubernetes', { kubeconfig: '{}' }) }),
    images: {
      references: Object.fromEntries(
        imageNames.map((name) => [
          name,
          `${region}-docker.pkg.dev/${project}/${environment.name}/${name}@${digest(name + release)}`,
        ]),
      ) as Record<ImageName, string>,
      ready: [new Part('pushed', options)],
    },
    identities: part('identities', {}),
    messaging: part('messaging', {}),
    database: part('database', {
      coreUrl: (workload: WorkloadName) => sql('core-ab12', 'core', workload),
      shardUrls: (workload: WorkloadName) => sql('shard-0-ab12', 'shard_0', workload).apply((url) => `shard_0=${url}`),
      roles: JSON.stringify({ api: `${environment.name}-api@${project}.iam` }),
    }),
    cache: part('cache', {
      url: later('rediss://10.2.0.5:6379?auth=iam'),
      caPem: later('-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'),
    }),
    documents: part('documents', { database: later(`projects/${project}/databases/twins-ab12`) }),
    authority: part('authority', {
      rootPool: later(`${place}/caPools/root-ab12`),
      issuingTemplate: `${place}/certificateTemplates/issuing-ca`,
      serverPool: later(`${place}/caPools/servers-ab12`),
      devicePool: environment.deviceCertificates === 'cas' ? later(`${place}/caPools/devices-ab12`) : null,
    }),
    keys: part('keys', { issuingKey: later(`${place}/keyRings/r/cryptoKeys/issuing-ca/cryptoKeyVersions/1`) }),
    secrets: part('secrets', {
      names: Object.fromEntries(
        secretNames.map((name) => [name, `projects/${project}/secrets/${environment.name}-${name}`]),
      ) as WorkloadNeeds['secrets']['names'],
    }),
    edge: part('edge', {}),
  };
}

/** All workloads of a tier under the recorder. */
export const recordWorkloads = (given: ComponentGiven, { image }: { image?: string } = {}) =>
  recordComponent(given, (environment, options) => {
    const workloads = new Workloads('workloads', { environment, ...needsOf(environment, options, image) }, options);
    return { namespace: workloads.namespace };
  });
