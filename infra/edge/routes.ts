import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { type ClusterNeed, inCluster } from '../workloads/needs.ts';
import type { Edge } from './edge.ts';

export type RoutesArgs = ComponentArgs & {
  cluster: ClusterNeed;
  edge: Edge;
  /** Literal name of the namespace in which the `api` Service is. */
  namespace: string;
  /** The workloads: the load balancer's backends have to be there. */
  after: readonly pulumi.Resource[];
};

/** How people reach the API: the load balancer that the cluster makes. Nothing without a domain. */
export class Routes extends Component {
  constructor(name: string, args: RoutesArgs, options: pulumi.ComponentResourceOptions) {
    super('edge:Routes', name, args, inCluster(options, args.cluster));
    this.finish({});
  }
}
