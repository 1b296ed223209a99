import type { Environment } from '../environment.ts';
import { hardeningOf } from '../hardening.ts';
import { planOf } from '../plan/plan.ts';
import type { PreviewSettings } from '../settings/schema.ts';
import { tiers } from '../tiers.ts';

/** What an environment lends to its previews: outputs of its stack (stacks/environment.ts), all known. */
export type Host = {
  name: string;
  project: string;
  region: string;
  cluster: { name: string; endpoint: string };
  namespace: string;
  /** Cloud SQL instances, `PROJECT:REGION:NAME`. */
  databases: { core: string; shards: readonly string[] };
  /** IAM member of Pub/Sub's service agent. */
  pubsubAgent: string;
  /** The environment's own jobs image: what has the rights to make a database is never a branch's code. */
  jobsImage: string;
};

export type Lane = {
  /** Ephemeral, named after environment and stack: `dev-pr-12`. */
  environment: Environment;
  /** When it ends, ISO. */
  until: string;
  /** Databases on the environment's instances by the shard map's name. */
  databases: { core: string; shards: Readonly<Record<string, string>> };
  /** Labels and annotations of its namespace. */
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
};

const hour = 3_600_000;

/**
 * A preview as data. Pure.
 * @param now epoch milliseconds; the lease ends on a full hour, so that a second `up` within the hour changes nothing
 */
export function laneOf(stack: string, settings: PreviewSettings, host: Host, now: number): Lane {
  const until = new Date(
    settings.leaseUntil === undefined
      ? Math.ceil((now + settings.leaseHours * hour) / hour) * hour
      : Date.parse(settings.leaseUntil.replace(' +0000 UTC', 'Z').replace(' ', 'T')),
  ).toISOString();
  const name = `${host.name}-${stack}`;
  const tier = tiers.ephemeral;
  const { plan } = planOf({
    tier,
    devices: Math.max(1, settings.simulatedDevices),
    messagesPerDevicePerMinute: 12,
    clusterMode: 'autopilot',
    deviceCertificates: 'kms',
    shards: host.databases.shards.length,
    publicEdge: false,
    scanImages: false,
  });
  const id = name.replaceAll('-', '_');
  return {
    environment: {
      name,
      project: host.project,
      region: host.region,
      tier,
      plan,
      hardening: hardeningOf({}).values,
      labels: {
        environment: host.name,
        lane: stack,
        tier: tier.name,
        owner: settings.owner,
        'lease-until': labelTime(until).toLowerCase(),
        ...(settings.pullRequest === undefined ? {} : { 'pull-request': String(settings.pullRequest) }),
        'managed-by': 'pulumi',
        platform: 'iot',
      },
      domain: null,
      dnsZone: 'create',
      clusterMode: 'autopilot',
      deviceCertificates: 'kms',
      administrators: [],
      egressAllow: [],
      alertEmails: [],
      budget: null,
      ci: null,
      oidc: null,
      images: settings.images as Environment['images'],
      pushImages: settings.pushImages,
      scanImages: false,
      traces: 'off',
      renderKubernetesTo: settings.renderKubernetesTo ?? null,
    },
    until,
    databases: {
      core: `lane_${id}_core`,
      shards: Object.fromEntries(host.databases.shards.map((_, i) => [`shard_${i}`, `lane_${id}_shard_${i}`])),
    },
    labels: {
      'iot-platform/lane': stack,
      'iot-platform/environment': host.name,
      'iot-platform/lease-until': labelTime(until),
    },
    annotations: {
      'iot-platform/lease-until': until,
      'iot-platform/branch': settings.branch,
      ...(settings.pullRequest === undefined ? {} : { 'iot-platform/pull-request': String(settings.pullRequest) }),
    },
  };
}

/** `20261124T120000Z`: a label's value may have no colon. https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ */
const labelTime = (iso: string): string => new Date(iso).toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '');
