/**
 * What Google would compute: outputs that are in no input. Only what the program reads. An unknown type is an error, so
 * that a new resource is described here before anybody relies on `undefined`.
 */
export type ComputedArgs = { type: string; name: string; inputs: Readonly<Record<string, unknown>>; project: string };
export type InvokeArgs = { token: string; inputs: Readonly<Record<string, unknown>> };

export type Computed = (args: ComputedArgs) => { id: string; state: Record<string, unknown> };

const named = ({ inputs, name }: ComputedArgs): string => (typeof inputs['name'] === 'string' ? inputs['name'] : name);

/** By type; the rest of a known package gets an id alone. */
const types: Readonly<Record<string, Computed>> = {
  'gcp:certificateauthority/authority:Authority': ({ project, inputs }) => {
    const path = `projects/${project}/locations/${inputs['location']}/caPools/${inputs['pool']}/certificateAuthorities/${inputs['certificateAuthorityId']}`;
    return { id: path, state: { name: path } };
  },
  'gcp:certificateauthority/caPool:CaPool': (args) => ({
    id: `projects/${args.project}/locations/${args.inputs['location']}/caPools/${named(args)}`,
    state: {},
  }),
  'gcp:certificateauthority/certificateTemplate:CertificateTemplate': (args) => ({
    id: `projects/${args.project}/locations/${args.inputs['location']}/certificateTemplates/${named(args)}`,
    state: {},
  }),
  'gcp:certificatemanager/dnsAuthorization:DnsAuthorization': (args) => ({
    id: `projects/${args.project}/locations/global/dnsAuthorizations/${named(args)}`,
    state: {
      dnsResourceRecords: [
        {
          name: `_acme-challenge.${args.inputs['domain']}.`,
          type: 'CNAME',
          data: '0123.authorize.certificatemanager.goog.',
        },
      ],
    },
  }),
  'gcp:compute/address:Address': (args) => ({
    id: `projects/${args.project}/regions/${args.inputs['region']}/addresses/${named(args)}`,
    state: { address: '203.0.113.10' },
  }),
  'gcp:compute/globalAddress:GlobalAddress': (args) => ({
    id: `projects/${args.project}/global/addresses/${named(args)}`,
    state: { address: '203.0.113.20' },
  }),
  'gcp:compute/network:Network': (args) => {
    const path = `projects/${args.project}/global/networks/${named(args)}`;
    return { id: path, state: { selfLink: `https://www.googleapis.com/compute/v1/${path}` } };
  },
  'gcp:compute/subnetwork:Subnetwork': (args) => {
    const path = `projects/${args.project}/regions/${args.inputs['region']}/subnetworks/${named(args)}`;
    return { id: path, state: { selfLink: `https://www.googleapis.com/compute/v1/${path}` } };
  },
  'gcp:container/cluster:Cluster': (args) => ({
    id: `projects/${args.project}/locations/${args.inputs['location']}/clusters/${named(args)}`,
    state: {
      controlPlaneEndpointsConfig: {
        dnsEndpointConfig: { endpoint: `gke-0123456789abcdef-123456789012.${args.inputs['location']}.gke.goog` },
      },
    },
  }),
  'gcp:dns/managedZone:ManagedZone': (args) => ({
    id: `projects/${args.project}/managedZones/${named(args)}`,
    state: { nameServers: ['ns-cloud-a1.googledomains.com.', 'ns-cloud-a2.googledomains.com.'] },
  }),
  'gcp:iam/workloadIdentityPool:WorkloadIdentityPool': ({ project, inputs }) => {
    const pool = `locations/global/workloadIdentityPools/${inputs['workloadIdentityPoolId']}`;
    return { id: `projects/${project}/${pool}`, state: { name: `projects/123456789012/${pool}` } };
  },
  'gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider': ({ project, inputs }) => {
    const provider = `locations/global/workloadIdentityPools/${inputs['workloadIdentityPoolId']}/providers/${inputs['workloadIdentityPoolProviderId']}`;
    return { id: `projects/${project}/${provider}`, state: { name: `projects/123456789012/${provider}` } };
  },
  'gcp:kms/cryptoKey:CryptoKey': (args) => ({ id: `${args.inputs['keyRing']}/cryptoKeys/${named(args)}`, state: {} }),
  'gcp:kms/keyRing:KeyRing': (args) => ({
    id: `projects/${args.project}/locations/${args.inputs['location']}/keyRings/${named(args)}`,
    state: {},
  }),
  'gcp:logging/projectBucketConfig:ProjectBucketConfig': ({ project, inputs }) => ({
    id: `projects/${project}/locations/${inputs['location']}/buckets/${inputs['bucketId']}`,
    state: {},
  }),
  'gcp:logging/projectSink:ProjectSink': (args) => ({
    id: `projects/${args.project}/sinks/${named(args)}`,
    state: { writerIdentity: 'serviceAccount:service-123456789012@gcp-sa-logging.iam.gserviceaccount.com' },
  }),
  'gcp:memorystore/instance:Instance': (args) => {
    const path = `projects/${args.project}/locations/${args.inputs['location']}/instances/${args.inputs['instanceId']}`;
    const pscAutoConnection = (connectionType: string, ipAddress: string) => ({
      pscAutoConnection: { connectionType, ipAddress, port: 6379 },
    });
    return {
      id: path,
      state: {
        name: path,
        endpoints: [
          {
            connections: [
              pscAutoConnection('CONNECTION_TYPE_READER', '10.2.0.6'),
              pscAutoConnection('CONNECTION_TYPE_PRIMARY', '10.2.0.5'),
            ],
          },
        ],
        managedServerCas: [
          { caCerts: [{ certificates: ['-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----'] }] },
        ],
      },
    };
  },
  'gcp:monitoring/notificationChannel:NotificationChannel': ({ project }) => {
    const path = `projects/${project}/notificationChannels/1234567890`;
    return { id: path, state: { name: path } };
  },
  'gcp:projects/iAMCustomRole:IAMCustomRole': ({ project, inputs }) => {
    const path = `projects/${project}/roles/${inputs['roleId']}`;
    return { id: path, state: { name: path } };
  },
  'gcp:projects/serviceIdentity:ServiceIdentity': ({ project, inputs }) => {
    const service = String(inputs['service']);
    const email = `service-123456789012@gcp-sa-${service.split('.')[0]}.iam.gserviceaccount.com`;
    return { id: `projects/${project}/services/${service}`, state: { email, member: `serviceAccount:${email}` } };
  },
  'gcp:pubsub/schema:Schema': (args) => ({ id: `projects/${args.project}/schemas/${named(args)}`, state: {} }),
  'gcp:pubsub/topic:Topic': (args) => ({ id: `projects/${args.project}/topics/${named(args)}`, state: {} }),
  'gcp:serviceaccount/account:Account': ({ project, inputs }) => {
    const email = `${inputs['accountId']}@${project}.iam.gserviceaccount.com`;
    const path = `projects/${project}/serviceAccounts/${email}`;
    return { id: path, state: { email, member: `serviceAccount:${email}`, name: path } };
  },
  'gcp:tags/tagKey:TagKey': () => ({ id: 'tagKeys/281475012216835', state: { name: '281475012216835' } }),
  'gcp:tags/tagValue:TagValue': () => ({ id: 'tagValues/281475012216836', state: { name: '281475012216836' } }),
  'gcp:sql/databaseInstance:DatabaseInstance': (args) => ({
    id: named(args),
    state: { connectionName: `${args.project}:${args.inputs['region']}:${named(args)}` },
  }),
  'random:index/randomId:RandomId': ({ inputs }) => {
    // As many digits as asked for: names end with them, and names have limits.
    const bytes = Buffer.alloc(Number(inputs['byteLength']), 'deadbeef', 'hex');
    const b64Url = bytes.toString('base64url');
    return { id: b64Url, state: { hex: bytes.toString('hex'), b64Url } };
  },
};

const packages = /^(gcp|kubernetes|random|command|pulumi|iot):/;

/** @throws Error for a type of a package that the platform does not use. */
export function computedOutputs(args: ComputedArgs): { id: string; state: Record<string, unknown> } {
  const compute = types[args.type];
  if (compute !== undefined) return compute(args);
  if (!packages.test(args.type))
    throw new Error(`${args.type} is of no package that the platform uses; infra/recording/computed.ts says which`);
  return { id: `${named(args)}-id`, state: {} };
}

/** Data sources. @throws Error for one that is not described: a program that reads the cloud cannot be previewed without one. */
export function invoked({ token }: InvokeArgs): Record<string, unknown> {
  throw new Error(
    `the program calls ${token}: describe its answer in infra/recording/computed.ts, or better, do without it`,
  );
}
