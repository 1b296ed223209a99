import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { storagePolicies } from '../../../policies/kubernetes/storage.ts';
import { fixture, prove } from '../support/prove.ts';

const on = fixture('kubernetes:storage.k8s.io/v1:StorageClass', {
  metadata: { name: 'fast' },
  provisioner: 'pd.csi.storage.gke.io',
  reclaimPolicy: 'Retain',
  allowVolumeExpansion: true,
  volumeBindingMode: 'WaitForFirstConsumer',
});

prove(storagePolicies, kubernetes.policies, [
  { policy: 'k8s-storage-class-retain', on, at: 'reclaimPolicy', broken: [{ value: 'Delete' }], absent: 'fires' },
  {
    policy: 'k8s-storage-class-grows',
    on,
    at: 'allowVolumeExpansion',
    broken: [{ value: false }, { set: { volumeBindingMode: 'Immediate' } }, { set: { volumeBindingMode: undefined } }],
    absent: 'fires',
  },
]);
