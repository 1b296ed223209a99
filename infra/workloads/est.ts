import * as kubernetes from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { edgeNames } from '../edge/names.ts';
import { labelsOf, selectorOf } from './labels.ts';
import { inCluster, type WorkloadNeeds } from './needs.ts';
import { ports } from './ports.ts';

export type EstEntryArgs = ComponentArgs & { needs: WorkloadNeeds; namespace: string; api: pulumi.Resource };

/**
 * The way in for devices that enrol with standard tools (EST, RFC 7030). A load balancer that passes packets through: a
 * device renews with its certificate, which only the api itself may see, so that no proxy can end TLS before it.
 */
export class EstEntry extends Component {
  constructor(name: string, args: EstEntryArgs, options: pulumi.ComponentResourceOptions) {
    super('workloads:EstEntry', name, args, inCluster(options, args.needs.cluster));
    const { environment, needs, namespace, api } = args;
    this.make(
      kubernetes.core.v1.Service,
      'address',
      {
        metadata: {
          name: 'est',
          namespace,
          labels: labelsOf('api', environment),
          annotations: { 'networking.gke.io/load-balancer-ip-addresses': edgeNames(environment).estAddress },
        },
        spec: {
          type: 'LoadBalancer',
          loadBalancerClass: 'networking.gke.io/l4-regional-external',
          // The limit of enrolments goes by a device's own address.
          externalTrafficPolicy: 'Local',
          selector: selectorOf('api'),
          ports: [{ name: 'est', port: ports.https, targetPort: 'est', protocol: 'TCP' }],
        },
      },
      // Its load balancer is in the cloud: deleted for real, before the cluster and before its address.
      { dependsOn: [needs.cluster, needs.edge, api] },
    );
    this.finish({});
  }
}
