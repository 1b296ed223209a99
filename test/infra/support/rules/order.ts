import type { Recording, Registration } from '../../../../infra/recording/record.ts';
import { called, Graph } from './graph.ts';

/**
 * Objects for which a controller in the cluster makes something in Google Cloud: load balancers, endpoint groups, disks.
 * They have to be really deleted while the cluster still runs, else what was made stays and costs, and blocks the network.
 */
export function touchesCloud({ type, inputs }: Registration): boolean {
  if (type === 'kubernetes:core/v1:Service')
    return (inputs['spec'] as { type?: unknown } | undefined)?.type === 'LoadBalancer';
  return (
    type === 'kubernetes:core/v1:PersistentVolumeClaim' ||
    /^kubernetes:networking\.k8s\.io\/v1:Ingress$/.test(type) ||
    /^kubernetes:gateway\.networking\.k8s\.io\/\w+:(Gateway|\w+Route)$/.test(type)
  );
}

/** Breaks of the order in which an environment comes down: those objects, then the cluster, then the network. */
export function brokenDestroyOrder(recording: Recording): string[] {
  const graph = new Graph(recording);
  const of = (type: string) => recording.registrations.filter((each) => each.type === type);
  const clusters = of('gcp:container/cluster:Cluster');
  const networks = [...of('gcp:compute/network:Network'), ...of('gcp:compute/subnetwork:Subnetwork')];
  const problems: string[] = [];
  const after = (first: Registration, second: Registration) => {
    if (!graph.before(first.urn).has(second.urn))
      problems.push(`${called(first)} does not depend on ${called(second)}: a destroy may delete that first`);
  };
  for (const each of recording.registrations) {
    if (!each.type.startsWith('kubernetes:')) continue;
    for (const cluster of clusters) after(each, cluster);
    if (!touchesCloud(each)) continue;
    if (each.deletedWith !== null)
      problems.push(
        `${called(each)} is deletedWith ${each.deletedWith.split('::').at(-1)}: what it made in the cloud stays`,
      );
    if (each.retainOnDelete) problems.push(`${called(each)} is retained: what it made in the cloud stays`);
  }
  for (const cluster of clusters) {
    for (const network of networks.filter(({ type }) => type.endsWith(':Network'))) after(cluster, network);
    // A node needs its way out until the cluster is gone: the cluster's own teardown runs through it.
    for (const subnet of networks.filter(({ name }) => name.endsWith('-nodes'))) after(cluster, subnet);
  }
  return problems;
}
