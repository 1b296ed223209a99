import { type Policy, resourcePolicy } from '../framework/policy.ts';

export const helmPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'k8s-helm-release-visible',
    description:
      'What a Helm chart makes is in the program, where policies see it: a Release is made in the cluster, past all of them.',
    severity: 'medium',
    level: 'mandatory',
    remediation:
      'Use kubernetes.helm.v4.Chart, whose objects are resources, or add the chart to the setting "charts" after reading it.',
    url: 'https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/choosing-the-right-helm-resource-for-your-use-case/',
    references: {},
    settings: {
      charts: { default: [], description: 'Charts that may stay opaque, as the Release names them' },
    },
    types: ['kubernetes:helm.sh/v3:Release'],
    judge: ({ at, settings: { charts } }) => at('chart').is(...charts),
  }),
];
