import { z } from 'zod';
import { type HardeningPath, hardened } from '../hardening.ts';
import { imageNames } from '../images/names.ts';
import { tierNames } from '../tiers.ts';

/**
 * Every setting of a stack: `pulumi config set KEY VALUE`, or a line in `stacks/Pulumi.<stack>.yaml`. The words of each
 * check are the error message. `Pulumi.yaml` declares the same keys (a test compares them).
 */

/** Regions that have every product the platform needs; the list is checked, because a preview does not check it. */
export const regions = [
  'africa-south1',
  'asia-east1',
  'asia-east2',
  'asia-northeast1',
  'asia-northeast2',
  'asia-northeast3',
  'asia-south1',
  'asia-south2',
  'asia-southeast1',
  'asia-southeast2',
  'australia-southeast1',
  'australia-southeast2',
  'europe-central2',
  'europe-north1',
  'europe-southwest1',
  'europe-west1',
  'europe-west2',
  'europe-west3',
  'europe-west4',
  'europe-west6',
  'europe-west8',
  'europe-west9',
  'europe-west10',
  'europe-west12',
  'me-central1',
  'me-west1',
  'northamerica-northeast1',
  'northamerica-northeast2',
  'southamerica-east1',
  'southamerica-west1',
  'us-central1',
  'us-east1',
  'us-east4',
  'us-east5',
  'us-south1',
  'us-west1',
  'us-west2',
  'us-west3',
  'us-west4',
] as const;

const whole = (min: number, max: number) =>
  z.coerce
    .number(`allowed is a whole number ${min} to ${max}`)
    .int(`allowed is a whole number ${min} to ${max}`)
    .min(min, `allowed is ${min} to ${max}`)
    .max(max, `allowed is ${min} to ${max}`);
const flag = z.union(
  [z.boolean(), z.enum(['true', 'false']).transform((v) => v === 'true')],
  'allowed is true or false',
);
const label = z.string().regex(/^[a-z0-9_-]{1,63}$/, 'allowed are 1 to 63 of a-z, 0-9, _ and -');
const domain = z
  .string()
  .max(200)
  .regex(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, 'allowed is a domain as iot.example.com');
const member = z
  .string()
  .regex(/^(user|group|serviceAccount):[^\s@]+@[^\s@]+$/, 'allowed is user:…@…, group:…@… or serviceAccount:…@…')
  // IAM answers in lower case, and Kubernetes compares letter by letter.
  .overwrite((text) => text.replace(/:.*/, (address) => address.toLowerCase()));
/** What one owner may have: 0.0.0.0/1 and 128.0.0.0/1 together are everything, too. */
const widestRange = 8;
const cidr = z
  .string()
  .regex(/^(\d{1,3}\.){3}\d{1,3}\/(3[0-2]|[12]?\d)$/, 'allowed is a range as 203.0.113.0/24')
  .refine(
    (text) =>
      text
        .split('/')[0]
        ?.split('.')
        .every((part) => Number(part) <= 255),
    'each part of an address is 0 to 255',
  )
  .refine(
    (text) => Number(text.split('/')[1]) >= widestRange,
    `a range wider than /${widestRange} is the internet and no allow list; set hardening "network.denyEgress" to false instead, which warns`,
  );
const image = z
  .string()
  .regex(
    /^[a-z0-9.-]+(:\d+)?\/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$/,
    'allowed is HOST/PATH@sha256:DIGEST; a tag can move',
  );
const pathOf = (path: string) => path as HardeningPath;

const shared = {
  program: z.enum(['environment', 'preview'], 'allowed is environment or preview').default('environment'),
  project: z
    .string()
    .regex(
      /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
      'allowed is a project id: 6 to 30 of a-z, 0-9 and -, not a name or number',
    ),
  region: z.enum(regions, `allowed is one of ${regions.join(', ')}`),
  owner: label.default('platform'),
};

export const EnvironmentSettings = z.strictObject({
  ...shared,
  tier: z.enum(tierNames, `allowed is ${tierNames.join(', ')}`),
  devices: whole(1, 2_000_000).default(1_000),
  messagesPerDevicePerMinute: whole(1, 6_000).default(1),
  shards: whole(1, 32).optional(),
  domain: domain.optional(),
  dnsZone: z
    .string()
    .regex(/^(create|[a-z][a-z0-9-]{0,62})$/, 'allowed is create, or the name of a managed zone of the same project')
    .default('create'),
  clusterMode: z.enum(['autopilot', 'standard'], 'allowed is autopilot or standard').default('autopilot'),
  deviceCertificates: z.enum(['kms', 'cas'], 'allowed is kms or cas').default('kms'),
  protection: z.enum(['tier', 'off'], 'allowed is tier, or off before a destroy').default('tier'),
  administrators: z.array(member).default([]),
  egressAllow: z.array(cidr).default([]),
  alertEmails: z.array(z.email('allowed is an e-mail address')).default([]),
  budget: z
    .strictObject({
      billingAccount: z
        .string()
        .regex(/^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$/, 'allowed is a billing account as 012345-6789AB-CDEF01'),
      monthly: whole(1, 10_000_000),
      currency: z
        .string()
        .regex(/^[A-Z]{3}$/, 'allowed is a currency code as USD')
        .default('USD'),
    })
    .optional(),
  ci: z
    .strictObject({
      repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'allowed is OWNER/NAME'),
      branch: z
        .string()
        .regex(/^[\w./-]+$/, 'allowed is a branch name')
        .default('main'),
    })
    .optional(),
  oidc: z
    .strictObject({
      // Its keys decide who is who: whoever can change them on the way is everybody.
      issuer: z.url({ protocol: /^https$/, error: 'allowed is an https URL' }),
      audience: z.string().min(1),
    })
    .optional(),
  images: z.partialRecord(z.enum(imageNames, `allowed are ${imageNames.join(', ')}`), image).default({}),
  pushImages: flag.default(true),
  traces: z.enum(['off', 'managed'], 'allowed is off or managed').default('off'),
  scanImages: z.enum(['tier', 'on', 'off'], 'allowed is tier, on or off').default('tier'),
  renderKubernetesTo: z.string().min(1, 'allowed is a folder').optional(),
  hardening: z
    .partialRecord(
      z.enum(
        Object.keys(hardened).map(pathOf) as [HardeningPath, ...HardeningPath[]],
        `allowed are ${Object.keys(hardened).join(', ')}`,
      ),
      flag,
    )
    .default({}),
});
export type EnvironmentSettings = z.output<typeof EnvironmentSettings>;

/** A preview: a lane of its own inside an environment. */
export const PreviewSettings = z.strictObject({
  ...shared,
  program: z.literal('preview', 'allowed is preview'),
  /** Stack of the environment that lends network, cluster, instance and load balancer. */
  environment: z.string().regex(/^[a-z][a-z0-9-]{0,14}[a-z0-9]$/, 'allowed is the name of an environment stack'),
  branch: z.string().min(1).max(200).default('main'),
  pullRequest: whole(1, 10_000_000).optional(),
  /** Hours until the lane ends by itself, from the last `up`. */
  leaseHours: whole(1, 336).default(24),
  /** When the lane ends, instead of so many hours from now. */
  leaseUntil: z
    .string()
    // The second form is what the engine makes of the first, which YAML takes for a time.
    .regex(
      /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z| \d\d:\d\d:\d\d(\.\d+)? \+0000 UTC)$/,
      'allowed is a time in UTC as 2026-11-23T12:00:00Z',
    )
    .optional(),
  /** Devices of the lane's own simulated fleet. */
  simulatedDevices: whole(0, 1_000).default(20),
  images: EnvironmentSettings.shape.images,
  pushImages: flag.default(true),
  renderKubernetesTo: z.string().min(1, 'allowed is a folder').optional(),
});
export type PreviewSettings = z.output<typeof PreviewSettings>;
