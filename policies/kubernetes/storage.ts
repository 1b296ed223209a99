import { all } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';

export const storagePolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'k8s-storage-class-retain',
    description: 'A volume outlives its claim: by default the disk goes with the object that asked for it.',
    severity: 'low',
    level: 'advisory',
    tiers: ['prod'],
    remediation: 'Set reclaimPolicy to Retain, and delete disks by hand once their data is elsewhere.',
    url: 'https://kubernetes.io/docs/concepts/storage/storage-classes/#reclaim-policy',
    references: {},
    types: ['kubernetes:storage.k8s.io/v1:StorageClass'],
    judge: ({ at }) => at('reclaimPolicy').is('Retain'),
  }),

  resourcePolicy({
    id: 'k8s-storage-class-grows',
    description:
      'A full volume can grow where it is, and it is made in the zone of the pod that asks: neither can be changed later.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set allowVolumeExpansion to true and volumeBindingMode to WaitForFirstConsumer.',
    url: 'https://kubernetes.io/docs/concepts/storage/storage-classes/#allow-volume-expansion',
    references: {},
    types: ['kubernetes:storage.k8s.io/v1:StorageClass'],
    judge: ({ at }) => all([at('allowVolumeExpansion').is(true), at('volumeBindingMode').is('WaitForFirstConsumer')]),
  }),
];
