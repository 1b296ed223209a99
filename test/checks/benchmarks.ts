import type { References } from '../../policies/framework/policy.ts';

export type Benchmark = {
  readonly key: keyof References;
  readonly title: string;
  readonly source: string;
  /** What no policy covers, by number or section, with the reason: `not applicable` or `by hand`. */
  readonly otherwise: readonly { readonly number: string; readonly why: string }[];
};

const noMachines = 'not applicable: the platform has no virtual machine of its own';

const secondFactors = 'by hand: second factors and security keys are set in the identity provider';
const noKeys = 'not applicable: no account has a key (`iam-no-service-account-keys`), so that none has to be rotated';
const noApiKeys = 'not applicable: no API key is used anywhere';
const contacts = 'by hand: whom Google writes to is set for the organisation';
const noFunctions = 'not applicable: no Cloud Functions';
const organisationAlerts = 'by hand: alerts on changes of the organisation, outside an environment';
const organisationSwitches =
  'by hand: asset inventory, access transparency and access approval are of the organisation';

/**
 * The benchmarks that policies cite. Numbers are references, every word is ours. What is listed here is what is known
 * to be left; a number that is neither covered nor listed has not been looked at.
 */
export const benchmarks: readonly Benchmark[] = [
  {
    key: 'cis-gcp-5',
    title: 'CIS Google Cloud Platform Foundation 5.0',
    source: 'https://www.cisecurity.org/benchmark/google_cloud_computing_platform',
    otherwise: [
      { number: '1.1', why: 'by hand: how people log in is set in the identity provider' },
      { number: '1.3, 1.4', why: secondFactors },
      { number: '1.8', why: noKeys },
      { number: '1.13 to 1.16', why: noApiKeys },
      { number: '1.17', why: contacts },
      { number: '1.18', why: noFunctions },
      { number: '2.5 to 2.12', why: organisationAlerts },
      { number: '2.14 to 2.16', why: organisationSwitches },
      { number: '4.2 to 4.8, 4.10 to 4.12', why: noMachines },
      { number: '6.1.2, 6.1.3', why: 'not applicable: no MySQL' },
      { number: '6.3', why: 'not applicable: no SQL Server' },
      { number: '7', why: 'not applicable: no BigQuery' },
      { number: '8', why: 'not applicable: no Dataproc' },
    ],
  },
  {
    key: 'cis-gcp-4',
    title: 'CIS Google Cloud Platform Foundation 4.0',
    source: 'https://www.cisecurity.org/benchmark/google_cloud_computing_platform',
    otherwise: [
      { number: '1.2, 1.3', why: secondFactors },
      { number: '1.7', why: noKeys },
      { number: '1.12 to 1.15', why: noApiKeys },
      { number: '1.16', why: contacts },
      { number: '1.17', why: noFunctions },
      { number: '2.4 to 2.11', why: organisationAlerts },
      { number: '2.13 to 2.15', why: organisationSwitches },
      { number: '3.2', why: 'not applicable: legacy networks can no longer be made' },
      { number: '4.2 to 4.8, 4.10, 4.11', why: noMachines },
      { number: '6.1.2, 6.1.3', why: 'not applicable: no MySQL' },
      { number: '6.3', why: 'not applicable: no SQL Server' },
      { number: '7', why: 'not applicable: no BigQuery' },
      { number: '8', why: 'not applicable: no Dataproc' },
    ],
  },
  {
    key: 'cis-gke',
    title: 'CIS Google Kubernetes Engine 1.9',
    source: 'https://www.cisecurity.org/benchmark/kubernetes',
    otherwise: [
      { number: '3', why: 'not applicable: files and kubelets of nodes, which Google keeps' },
      { number: '4.6.1', why: 'by hand: where namespaces draw their borders is a decision' },
      { number: '4.6.3', why: 'by hand: which security contexts a team applies beyond the policies' },
      { number: '5.6.8', why: 'by hand: Identity-Aware Proxy in front of the API is a decision' },
      { number: '5.7.2', why: 'by hand: audit daemon of Linux on nodes' },
      { number: '5.10.3', why: 'by hand: whether a workload is untrusted' },
    ],
  },
  {
    key: 'pss',
    title: 'Kubernetes Pod Security Standards',
    source: 'https://kubernetes.io/docs/concepts/security/pod-security-standards/',
    otherwise: [],
  },
  { key: 'checkov', title: 'Checkov', source: 'https://www.checkov.io/5.Policy%20Index/all.html', otherwise: [] },
  { key: 'trivy', title: 'Trivy', source: 'https://avd.aquasec.com/misconfig/', otherwise: [] },
];
