import { canonicalJson } from '../../../infra/observability/canonical.ts';
import { type Registration, unknownValue } from '../../../infra/recording/record.ts';
import { opened } from './literals.ts';

/**
 * How Google's APIs answer with what they were given. An input that is not in that form is read back as another value, and
 * every `up` after the first would change it: no answer of ours is compared, the form is.
 */
export type Form = {
  name: string;
  /** Where from: the API's page, or the rule of JSON that all of them follow. */
  source: string;
  /** Values that this is about; a path has no indices: `rules[].priority`. */
  about: (value: unknown, path: string, type: string) => boolean;
  /** The value as it is read back. */
  normal: (value: never, path: string, type: string) => unknown;
  /** One that is not in its form, to prove that it is found. */
  fault: (value: never) => unknown;
};

export type Abnormal = { urn: string; path: string; form: string; given: unknown; normal: unknown };

const text =
  (test: (value: string, path: string, type: string) => boolean) => (value: unknown, path: string, type: string) =>
    typeof value === 'string' && value !== unknownValue && test(value, path, type);
const form = <T>(
  of: Omit<Form, 'normal' | 'fault'> & {
    normal: (value: T, path: string, type: string) => unknown;
    fault: (value: T) => unknown;
  },
): Form => of as unknown as Form;

/** Text that an API keeps to the letter, line ends included. */
const verbatim = /(^|\.)(definition|query|content)$/;
const jsonPaths = /(^|\.)(dashboardJson|policyData)$/;

export const forms: readonly Form[] = [
  form<string>({
    name: 'duration',
    source:
      'seconds with 0, 3, 6 or 9 decimals and an s: https://protobuf.dev/reference/protobuf/google.protobuf/#duration',
    about: text((value) => /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(value)),
    normal: durationOf,
    fault: (value) => `${Number.parseInt(value, 10) / 60}m`,
  }),
  form<string>({
    name: 'timestamp',
    source:
      'RFC 3339 in UTC, without needless decimals: https://protobuf.dev/reference/protobuf/google.protobuf/#timestamp',
    about: text((value) => /^\d{4}-\d\d-\d\dT\S+$/.test(value) && !Number.isNaN(Date.parse(value))),
    normal: (value) => new Date(value).toISOString().replace(/\.000Z$/, 'Z'),
    fault: (value) => value.replace('Z', '.000+00:00'),
  }),
  form<string>({
    name: 'range',
    source:
      'the first address of the range: https://cloud.google.com/vpc/docs/subnets#manually_created_subnet_ip_ranges',
    about: text((value) => /^\d+\.\d+\.\d+\.\d+\/\d+$/.test(value)),
    normal: rangeOf,
    fault: (value) => (value.endsWith('/0') ? '1.2.3.4/0' : value.replace(/\d+\/(\d+)$/, '255/$1')),
  }),
  form<string>({
    name: 'resource',
    source: 'the provider keeps relative names: https://cloud.google.com/apis/design/resource_names',
    about: text((value) => /^((https:)?\/\/[^ ]+\/)?projects\/[^/ ]+\/[^ ]+$/.test(value)),
    normal: (value) => value.replace(/^(https:)?\/\/[^ ]+?\/(?=projects\/)/, '').replace(/\/+$/, ''),
    fault: (value) => `https://www.googleapis.com/compute/v1/${value}`,
  }),
  form<string>({
    name: 'member',
    source: 'addresses in lower case: https://cloud.google.com/iam/docs/principal-identifiers',
    about: text((value, path) => /(^|\.)member$/.test(path) && /^(user|group|serviceAccount|domain):/.test(value)),
    normal: (value) => value.replace(/:.*/, (address) => address.toLowerCase()),
    fault: (value) => value.replace(/:./, (start) => start.toUpperCase()).replace(/@./, (start) => start.toUpperCase()),
  }),
  form<string>({
    name: 'DNS name',
    source: 'lower case with its final dot: https://cloud.google.com/dns/docs/reference/rest/v1/resourceRecordSets',
    about: text(
      (_, path, type) =>
        /gcp:dns\//.test(type) && /^(dnsName|name)$/.test(path) && (path === 'dnsName' || /RecordSet/.test(type)),
    ),
    normal: (value) => `${value.toLowerCase().replace(/\.$/, '')}.`,
    fault: (value) => value.replace(/\.$/, ''),
  }),
  form<string>({
    name: 'place',
    source:
      'regions in lower case; only Cloud Storage answers in upper case: https://cloud.google.com/storage/docs/locations',
    about: text((_, path, type) => /^(location|region|locationId)$/.test(path) && type !== bucket),
    normal: (value) => value.toLowerCase(),
    fault: (value) => value.toUpperCase(),
  }),
  form<string>({
    name: "bucket's place",
    source: 'https://cloud.google.com/storage/docs/locations',
    about: text((_, path, type) => path === 'location' && type === bucket),
    normal: (value) => value.toUpperCase(),
    fault: (value) => value.toLowerCase(),
  }),
  form<string>({
    name: 'JSON',
    source: 'the provider compares texts: keys sorted, no spaces (docs/traps.md)',
    about: text((_, path) => jsonPaths.test(path)),
    normal: (value) => canonicalJson(JSON.parse(value)),
    fault: (value) => JSON.stringify(JSON.parse(value), null, 1),
  }),
  form<string>({
    name: 'whole number',
    source: 'int64 is text in JSON: https://protobuf.dev/programming-guides/json/',
    about: text((value) => /^[-+]?\d+$/.test(value)),
    normal: (value) => String(BigInt(value)),
    fault: (value) => value.replace(/\d/, '0$&'),
  }),
  form<number>({
    name: 'number',
    source: 'a double has 15 digits that every reader agrees on: https://protobuf.dev/programming-guides/json/',
    about: (value) => typeof value === 'number',
    normal: (value) => Number(value.toPrecision(15)),
    fault: () => 0.1 + 0.2,
  }),
  form<string>({
    name: 'words',
    source: 'names, descriptions and filters are trimmed, line ends are one character',
    about: text((value, path) => !verbatim.test(path) && !jsonPaths.test(path) && value !== ''),
    normal: (value) => value.trim().replaceAll('\r\n', '\n').normalize('NFC'),
    fault: (value) => `${value} `,
  }),
  form<string>({
    name: 'label',
    source: 'keys and values in lower case: https://cloud.google.com/compute/docs/labeling-resources#requirements',
    about: text(
      (_, path) => /(^|\.)(labels|userLabels)\./.test(path) && !/monitoredResource|NotificationChannel/.test(path),
    ),
    normal: (value) => value.toLowerCase(),
    fault: (value) => value.toUpperCase(),
  }),
];

const bucket = 'gcp:storage/bucket:Bucket';

/** Each value of an input that is not in its form. */
export function abnormal(registrations: readonly Registration[]): Abnormal[] {
  const found: Abnormal[] = [];
  for (const { urn, type, inputs } of registrations)
    for (const { path, value } of leaves(inputs))
      for (const each of forms.filter(({ about }) => about(value, path, type))) {
        const normal = each.normal(value as never, path, type);
        if (!Object.is(normal, value)) found.push({ urn, path, form: each.name, given: value, normal });
      }
  return found;
}

export type Leaf = { path: string; value: unknown };

/** Values that are no list and no object, and lists and objects that are empty. */
export function leaves(given: unknown, path = ''): Leaf[] {
  const value = opened(given);
  if (typeof value !== 'object' || value === null) return [{ path, value }];
  const entries = Array.isArray(value)
    ? value.map((each) => [`${path}[]`, each] as const)
    : Object.entries(value).map(([key, each]) => [path === '' ? key : `${path}.${key}`, each] as const);
  return entries.length === 0 ? [{ path, value }] : entries.flatMap(([at, each]) => leaves(each, at));
}

/** Lists of two values or more, by type and path. */
export function lists(
  registrations: readonly Registration[],
): Map<string, { urn: string; values: readonly unknown[] }[]> {
  const found = new Map<string, { urn: string; values: readonly unknown[] }[]>();
  const walk = (urn: string, type: string, given: unknown, path: string): void => {
    const value = opened(given);
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value) && value.length > 1 && value.every((each) => typeof each !== 'object')) {
      const key = `${type} ${path}`;
      found.set(key, [...(found.get(key) ?? []), { urn, values: value }]);
    }
    for (const [key, each] of Object.entries(value))
      walk(urn, type, each, Array.isArray(value) ? `${path}[]` : path === '' ? key : `${path}.${key}`);
  };
  for (const { urn, type, inputs } of registrations) walk(urn, type, inputs, '');
  return found;
}

function durationOf(value: string): string {
  const [, number = '0', unit = 's'] = /^([\d.]+)(ms|s|m|h|d)$/.exec(value) ?? [];
  const milliseconds = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit] ?? Number.NaN;
  const total = Math.round(Number(number) * milliseconds);
  return total % 1_000 === 0 ? `${total / 1_000}s` : `${(total / 1_000).toFixed(3)}s`;
}

function rangeOf(range: string): string {
  const [address = '', length = ''] = range.split('/');
  const bits = Number(length);
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const first = bits === 0 ? 0 : Math.floor(number / 2 ** (32 - bits)) * 2 ** (32 - bits);
  return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${bits}`;
}
