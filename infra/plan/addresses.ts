import type { AddressPlan } from './types.ts';

/** Ranges of an environment in its own VPC; it is peered with nobody, so that all environments may have the same. */
export function addressPlan(): AddressPlan {
  return {
    nodes: '10.0.0.0/20',
    pods: '10.64.0.0/14',
    services: '10.1.0.0/20',
    privateServices: '10.2.0.0/24',
    proxies: '10.2.4.0/23',
  };
}
