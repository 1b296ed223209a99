import type { Pack } from '../framework/pack.ts';
import { credentialPolicies } from './credentials.ts';
import { imagePolicies } from './images.ts';
import { lifecyclePolicies } from './lifecycle.ts';
import { namespacePolicies } from './namespaces.ts';
import { podSecurityBaselinePolicies } from './pod-security-baseline.ts';
import { podSecurityRestrictedPolicies } from './pod-security-restricted.ts';
import { rbacPolicies } from './rbac.ts';
import { servicePolicies } from './services.ts';
import { workloadPolicies } from './workloads.ts';

export const kubernetes: Pack = {
  name: 'kubernetes',
  description: 'Kubernetes workloads, access, services and namespaces, for any Pulumi program',
  policies: [
    ...podSecurityBaselinePolicies,
    ...podSecurityRestrictedPolicies,
    ...imagePolicies,
    ...workloadPolicies,
    ...lifecyclePolicies,
    ...credentialPolicies,
    ...rbacPolicies,
    ...servicePolicies,
    ...namespacePolicies,
  ],
};
