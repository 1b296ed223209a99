import type { Pack } from '../framework/pack.ts';
import { credentialPolicies } from './credentials.ts';
import { helmPolicies } from './helm.ts';
import { imagePolicies } from './images.ts';
import { jobPolicies } from './jobs.ts';
import { lifecyclePolicies } from './lifecycle.ts';
import { namespacePolicies } from './namespaces.ts';
import { podSecurityBaselinePolicies } from './pod-security-baseline.ts';
import { podSecurityRestrictedPolicies } from './pod-security-restricted.ts';
import { rbacPolicies } from './rbac.ts';
import { rolloutPolicies } from './rollout.ts';
import { servicePolicies } from './services.ts';
import { storagePolicies } from './storage.ts';
import { userPolicies } from './users.ts';
import { workloadPolicies } from './workloads.ts';

export const kubernetes: Pack = {
  name: 'kubernetes',
  description: 'Kubernetes workloads, access, services and namespaces, for any Pulumi program',
  policies: [
    ...podSecurityBaselinePolicies,
    ...podSecurityRestrictedPolicies,
    ...imagePolicies,
    ...workloadPolicies,
    ...userPolicies,
    ...rolloutPolicies,
    ...jobPolicies,
    ...lifecyclePolicies,
    ...credentialPolicies,
    ...rbacPolicies,
    ...servicePolicies,
    ...namespacePolicies,
    ...storagePolicies,
    ...helmPolicies,
  ],
};
