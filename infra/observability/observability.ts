import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';

export type ObservabilityArgs = ComponentArgs & {
  /** Name of the cluster whose pods are watched. */
  clusterName: string;
  /** Host of the API, which is asked from outside; null: no domain, no outside check. */
  apiHost: string | null;
  /** What serves: the service levels are set once its metrics arrive. */
  after: readonly pulumi.Resource[];
};

/** Service levels, alerts, dashboards, logs, outside check and budget of an environment. */
export class Observability extends Component {
  constructor(name: string, args: ObservabilityArgs, options: pulumi.ComponentResourceOptions) {
    super('observability:Observability', name, args, options);
    this.finish({});
  }
}
