import type * as gcp from '@pulumi/gcp';
import { estHostOf, serverNamesOf } from '../edge/names.ts';
import type { Environment } from '../environment.ts';

/**
 * What each pool may sign, as data. The CEL is the dialect of issuance policies: `subject`, `subject_alt_names`, the types
 * DNS, URI, EMAIL, IP_ADDRESS (https://cloud.google.com/certificate-authority-service/docs/using-cel).
 */
type Policy = gcp.types.input.certificateauthority.CaPoolIssuancePolicy;
type Usage = gcp.types.input.certificateauthority.CaPoolIssuancePolicyBaselineValuesKeyUsage;

/** One kind of key everywhere: constrained devices verify P-256 in hardware. */
const keyTypes = [{ ellipticCurve: { signatureAlgorithm: 'ECDSA_P256' } }];

export const hours = (count: number): string => `${count * 3_600}s`;
export const years = (count: number): string => hours(count * 365 * 24);

/** A requester's own subject and names are taken over, once the expression says that they are allowed. */
const constrained = (title: string, expression: string) => ({
  allowSubjectPassthrough: true,
  allowSubjectAltNamesPassthrough: true,
  celExpression: { title, expression },
});

const leaf = (
  purpose: 'serverAuth' | 'clientAuth',
): { caOptions: { isCa: boolean; nonCa: boolean }; keyUsage: Usage } => ({
  // Baseline values overwrite what a request asks for: nothing that this pool signs is ever a CA.
  // `nonCa` writes CA:FALSE out, which `isCa: false` alone leaves unsaid.
  caOptions: { isCa: false, nonCa: true },
  keyUsage: {
    baseKeyUsage: { digitalSignature: true },
    extendedKeyUsage: { [purpose]: true },
  },
});

/**
 * The root signs CAs only. Their shape is not a baseline of the pool, because a pool's baseline and a template's values
 * must not differ: the issuing CA gets it from its template, the CAs inside CAS from their own configuration.
 */
export const rootPolicy = ({ tier }: Environment): Policy => ({
  allowedKeyTypes: keyTypes,
  // A request by configuration proves no possession of the key.
  allowedIssuanceModes: { allowCsrBasedIssuance: true, allowConfigBasedIssuance: false },
  // A CA has a name and nothing that a host or a device could be taken for.
  identityConstraints: constrained(
    'CAs only',
    'subject.common_name.startsWith("IoT platform ") && subject_alt_names.size() == 0',
  ),
  maximumLifetime: years(tier.authority.issuingYears),
});

/** The names under which devices reach the gateway, for hours. */
export const serverPolicy = (environment: Environment): Policy => ({
  allowedKeyTypes: keyTypes,
  allowedIssuanceModes: { allowCsrBasedIssuance: true, allowConfigBasedIssuance: false },
  baselineValues: leaf('serverAuth'),
  identityConstraints: constrained(
    'The gateway',
    // Its names and no other below the domain: the api's certificate, say, is not the gateway's to ask for.
    `subject_alt_names.size() > 0 && subject_alt_names.all(san, san.type == DNS && (${[
      ...serverNamesOf(environment),
      estHostOf(environment),
    ]
      .filter((name) => name !== null)
      .map((name) => `san.value == "${name}"`)
      .join(' || ')}))`,
  ),
  maximumLifetime: hours(environment.tier.authority.serverCertificateHours),
});

/** Longest life of a device's certificate, as the devices service's own setting allows it. */
const deviceDays = 825;

/** Devices, by the URI that names tenant and device; the subject is ours, never the device's. */
export const devicePolicy = (): Policy => ({
  allowedKeyTypes: keyTypes,
  // By configuration, because the devices service takes only the key from a device's request and writes the name itself.
  allowedIssuanceModes: { allowCsrBasedIssuance: false, allowConfigBasedIssuance: true },
  baselineValues: leaf('clientAuth'),
  identityConstraints: constrained(
    'Devices of a tenant',
    'subject.common_name != "" && subject.organization != "" && subject_alt_names.size() == 1 && subject_alt_names.all(san, san.type == URI && san.value.startsWith("urn:iot:"))',
  ),
  maximumLifetime: hours(deviceDays * 24),
});

/** The purpose of an intermediate CA: it stands in its certificate, and chain checks apply it to all that it signs. */
export type Purpose = 'servers' | 'devices';

const extended = (purpose: Purpose) => ({ [purpose === 'servers' ? 'serverAuth' : 'clientAuth']: true });

/** X.509 values of a CA of CAS: path length 1 for the root, 0 below it. */
export const caConfig = (
  purpose: Purpose | 'root',
): gcp.types.input.certificateauthority.AuthorityConfigX509Config => ({
  caOptions:
    purpose === 'root' ? { isCa: true, maxIssuerPathLength: 1 } : { isCa: true, zeroMaxIssuerPathLength: true },
  keyUsage: {
    baseKeyUsage: { certSign: true, crlSign: true },
    extendedKeyUsage: purpose === 'root' ? {} : extended(purpose),
  },
});

/** What the issuing CA's certificate says, whatever its request asks for. */
export const issuingValues: gcp.types.input.certificateauthority.CertificateTemplatePredefinedValues = {
  caOptions: { isCa: true, zeroMaxIssuerPathLength: true },
  keyUsage: {
    baseKeyUsage: { certSign: true, crlSign: true },
    extendedKeyUsage: extended('devices'),
  },
};

/**
 * Extensions that a request may bring into the issuing CA's certificate. Without a list Google takes over all of them, so
 * that a taken-over devices service could add what the template does not speak of: policies, names of its own revocation
 * service, extensions of any meaning. An empty list is the same as none, hence one that the template sets anyway.
 * https://cloud.google.com/certificate-authority-service/docs/reference/rest/v1/projects.locations.certificateTemplates
 */
export const nothingOfTheRequest: gcp.types.input.certificateauthority.CertificateTemplatePassthroughExtensions = {
  knownExtensions: ['BASE_KEY_USAGE'],
};
