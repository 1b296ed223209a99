import { type Registration, unknownValue } from '../recording/record.ts';
import { opened } from './values.ts';

/**
 * Google Cloud resources in the shape of `terraform show -json PLAN`, which scanners read. The gcp package is made from the
 * Terraform provider, so that types and inputs map by name; where one input has two spellings there (a list of blocks is
 * singular, a list of attributes plural) both are written.
 * https://developer.hashicorp.com/terraform/internals/json-format
 */
export function terraformPlan(registrations: readonly Registration[]): object {
  const resources = registrations
    .filter(({ type }) => type.startsWith('gcp:'))
    .map((each) => ({ each, type: terraformType(each.type), values: block(opened(each.inputs)) }))
    .sort((a, b) => (a.each.urn < b.each.urn ? -1 : 1));
  const common = ({ each, type }: (typeof resources)[number]) => ({
    address: `${type}.${each.name}`,
    mode: 'managed',
    type,
    name: each.name,
    provider_name: 'registry.terraform.io/hashicorp/google',
  });
  return {
    format_version: '1.2',
    terraform_version: '1.9.0',
    planned_values: {
      root_module: {
        resources: resources.map((each) => ({ ...common(each), schema_version: 0, values: each.values })),
      },
    },
    resource_changes: resources.map((each) => ({
      ...common(each),
      change: { actions: ['create'], before: null, after: each.values, after_unknown: {} },
    })),
    configuration: {
      root_module: { resources: resources.map((each) => ({ ...common(each), expressions: {} })) },
    },
  };
}

/** Modules of the gcp package whose Terraform prefix is another word. */
const prefixes: Readonly<Record<string, string>> = {
  artifactregistry: 'artifact_registry',
  binaryauthorization: 'binary_authorization',
  certificateauthority: 'privateca',
  certificatemanager: 'certificate_manager',
  gkebackup: 'gke_backup',
  networkconnectivity: 'network_connectivity',
  organizations: '',
  projects: 'project',
  secretmanager: 'secret_manager',
  serviceaccount: 'service_account',
};

/** `gcp:compute/networkFirewallPolicy:NetworkFirewallPolicy` → `google_compute_network_firewall_policy`. */
export function terraformType(type: string): string {
  const [, middle = '', name = ''] = type.split(':');
  const module = middle.split('/')[0] ?? '';
  if (module === 'serviceaccount' && name === 'Account') return 'google_service_account';
  if (module === 'certificateauthority' && name === 'Authority') return 'google_privateca_certificate_authority';
  if (module === 'organizations' && name.startsWith('IAM'))
    return `google_organization_${snake(name.replace('IAM', 'Iam'))}`;
  const parts = ['google', prefixes[module] ?? module, snake(name.replace('IAM', 'Iam').replace('SSL', 'Ssl'))];
  return parts.filter((part) => part !== '').join('_');
}

const snake = (name: string): string =>
  name.replace(/[A-Z]/g, (c, at: number) => `${at > 0 ? '_' : ''}${c.toLowerCase()}`);

/** Inputs whose keys are data, not names of attributes. */
const maps = /(labels|annotations|metadata|tags|attributeMapping|attributes)$/i;

function block(value: unknown): Record<string, unknown> {
  const attributes: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value as Record<string, unknown>)) {
    const name = snake(key);
    if (each === unknownValue) attributes[name] = null;
    else if (Array.isArray(each) && each.some((one) => typeof one === 'object' && one !== null)) {
      const blocks = each.map((one) => (typeof one === 'object' && one !== null ? block(one) : one));
      attributes[name] = blocks;
      attributes[singular(name)] = blocks;
    } else if (typeof each === 'object' && each !== null && !Array.isArray(each))
      attributes[name] = maps.test(key) ? each : [block(each)];
    else attributes[name] = each;
  }
  return attributes;
}

const singular = (name: string): string =>
  name
    .replace(/ies$/, 'y')
    .replace(/(ss|x|ch)es$/, '$1')
    .replace(/([^s])s$/, '$1');
