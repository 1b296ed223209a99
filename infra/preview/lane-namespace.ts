import * as kubernetes from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { laneNamespaceOf } from '../identity/names.ts';
import { denyAll } from '../workloads/network-policy.ts';
import { quotaOf } from '../workloads/quota.ts';
import type { Lane } from './lane.ts';

export type LaneNamespaceArgs = ComponentArgs & { lane: Lane };

/** A preview's own namespace in the environment's cluster: restricted, closed, bounded, and it says when it ends. */
export class LaneNamespace extends Component {
  readonly name: string;
  readonly namespace: kubernetes.core.v1.Namespace;

  constructor(name: string, args: LaneNamespaceArgs, options: pulumi.ComponentResourceOptions) {
    super('preview:LaneNamespace', name, args, options);
    const { environment, lane } = args;
    this.name = laneNamespaceOf(environment);
    this.namespace = this.make(kubernetes.core.v1.Namespace, 'namespace', {
      metadata: {
        name: this.name,
        labels: {
          'app.kubernetes.io/part-of': 'iot-platform',
          'app.kubernetes.io/managed-by': 'pulumi',
          // A branch's pods are held to the same as released ones.
          // https://kubernetes.io/docs/concepts/security/pod-security-admission/
          'pod-security.kubernetes.io/enforce': 'restricted',
          'pod-security.kubernetes.io/audit': 'restricted',
          'pod-security.kubernetes.io/warn': 'restricted',
          ...lane.labels,
        },
        annotations: { ...lane.annotations },
      },
    });
    // Whatever is inside goes with the namespace.
    const inside = { dependsOn: [this.namespace], deletedWith: this.namespace };
    const metadata = { name: 'lane', namespace: this.name };
    this.make(
      kubernetes.core.v1.ResourceQuota,
      'quota',
      {
        metadata,
        // Everything is shared but pods: no load balancer, no disk.
        spec: { hard: quotaOf(environment.plan, 0) },
      },
      inside,
    );
    const small = { cpu: '100m', memory: '256Mi', 'ephemeral-storage': '1Gi' };
    this.make(
      kubernetes.core.v1.LimitRange,
      'limits',
      { metadata, spec: { limits: [{ type: 'Container', defaultRequest: small, default: small }] } },
      inside,
    );
    this.make(kubernetes.networking.v1.NetworkPolicy, 'deny', { metadata, spec: denyAll }, inside);
    this.finish({ name: this.name });
  }
}
