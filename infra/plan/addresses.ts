import { figures } from './figures.ts';
import type { AddressPlan, Cidr } from './types.ts';

/**
 * Ranges of an environment in its own VPC. The same for every fleet, sized for the largest that a plan carries: a range
 * that moved with the fleet would replace subnet and cluster. The VPC is peered with nobody, so that all environments may
 * have the same ranges. 172.17.0.0/16 is left out: container runtimes keep it.
 */
export function addressPlan(): AddressPlan {
  return {
    nodes: '10.0.0.0/20',
    services: '10.1.0.0/20',
    privateServices: '10.2.0.0/24',
    proxies: '10.2.4.0/23',
    pods: '10.64.0.0/14',
  };
}

/** First address of a range as a number, and how many it has. @throws Error for what is no range. */
export function rangeOf(cidr: Cidr): { first: number; size: number } {
  const [, a, b, c, d, bits] = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr) ?? [];
  const parts = [a, b, c, d].map(Number);
  const size = 2 ** (32 - Number(bits));
  const first = parts.reduce((sum, part) => sum * 256 + part, 0);
  if (bits === undefined || Number(bits) > 32 || parts.some((part) => part > 255) || first % size !== 0)
    throw new Error(`'${cidr}' is no range: allowed is the first address and the bits, as 10.0.0.0/20`);
  return { first, size };
}

/** Whether two ranges have an address in common. */
export function overlap(a: Cidr, b: Cidr): boolean {
  const [one, two] = [rangeOf(a), rangeOf(b)];
  return one.first < two.first + two.size && two.first < one.first + one.size;
}

/** Addresses that Google keeps in each subnet. https://cloud.google.com/vpc/docs/subnets#reserved_ip_addresses_in_every_subnet */
const kept = 4;
/** A node takes a block of its own out of the pods' range: 110 pods need a /24. */
const blockOfNode = 256;

/** Nodes and pods that an address plan has room for. */
export function capacityOf({ nodes, pods }: AddressPlan): { nodes: number; pods: number } {
  const most = Math.min(rangeOf(nodes).size - kept, Math.floor(rangeOf(pods).size / blockOfNode));
  return { nodes: most, pods: most * figures.podsPerNode.value };
}
