import * as gcp from '@pulumi/gcp';
import * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { type AgentName, agentDomains, services } from './services.ts';

export type ProjectArgs = ComponentArgs;

/** APIs that the platform uses, and Google's own accounts behind them. The project itself is given. */
export class Project extends Component {
  /** APIs are on and service agents exist: what everything else waits for. */
  readonly ready: pulumi.Resource[];
  readonly projectNumber: pulumi.Output<string>;
  /** IAM member (`serviceAccount:…`) of Google's own account, by API. */
  readonly agents: Readonly<Record<AgentName, pulumi.Output<string>>>;

  constructor(name: string, args: ProjectArgs, options: pulumi.ComponentResourceOptions) {
    super('project:Project', name, args, options);
    const { project } = args.environment;
    const apis = Object.fromEntries(
      Object.keys(services).map((service) => [
        service,
        this.make(gcp.projects.Service, service, {
          project,
          service: `${service}.googleapis.com`,
          // A project may be shared, and an API that goes off takes the neighbours' resources with it.
          disableOnDestroy: false,
        }),
      ]),
    );
    const identities = Object.fromEntries(
      Object.keys(agentDomains).map((agent) => [
        agent,
        this.make(
          gcp.projects.ServiceIdentity,
          `${agent}-agent`,
          { project, service: `${agent}.googleapis.com` },
          { dependsOn: [apis[agent] as gcp.projects.Service] },
        ),
      ]),
    ) as Record<AgentName, gcp.projects.ServiceIdentity>;
    this.projectNumber = identities.pubsub.email.apply(projectNumberOf);
    this.agents = Object.fromEntries(
      Object.entries(identities).map(([agent, identity]) => [
        agent,
        // Not the resource's `member`: not every API returns the address of its agent.
        pulumi
          .all([this.projectNumber, identity.id])
          .apply(([number]) => `serviceAccount:service-${number}@${agentDomains[agent as AgentName]}`),
      ]),
    ) as Record<AgentName, pulumi.Output<string>>;
    this.ready = [...Object.values(apis), ...Object.values(identities)];
    this.finish({ projectNumber: this.projectNumber });
  }
}

/** @throws Error when the address is not one of a service agent. */
export function projectNumberOf(email: string): string {
  const number = /^service-(\d+)@/.exec(email)?.[1];
  if (number === undefined)
    throw new Error(
      `address of the Pub/Sub service agent is '${email}': expected is service-<project number>@${agentDomains.pubsub}`,
    );
  return number;
}
