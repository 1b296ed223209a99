import * as gcp from '@pulumi/gcp';
import * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import {
  type AgentName,
  agentDomains,
  agentRoles,
  audited,
  firstServices,
  scanningService,
  services,
} from './services.ts';

export type ProjectArgs = ComponentArgs;

/** APIs that the platform uses, Google's own accounts behind them, and audit logs. The project itself is given. */
export class Project extends Component {
  /** APIs are on, service agents exist and may do their part: what everything else waits for. */
  readonly ready: pulumi.Resource[];
  readonly projectNumber: pulumi.Output<string>;
  /** IAM member (`serviceAccount:…`) of Google's own account, by API. */
  readonly agents: Readonly<Record<AgentName, pulumi.Output<string>>>;

  constructor(name: string, args: ProjectArgs, options: pulumi.ComponentResourceOptions) {
    super('project:Project', name, args, options);
    const apis = this.#apis();
    const identities = this.#identities(apis);
    this.projectNumber = identities.pubsub.email.apply((email) =>
      projectNumberOf(email, args.environment.renderKubernetesTo !== null),
    );
    this.agents = this.#members(identities);
    const grants = this.#agentGrants(Object.values(apis));
    this.#audit(apis);
    this.ready = [...Object.values(apis), ...Object.values(identities), ...grants];
    this.finish({ projectNumber: this.projectNumber });
  }

  #apis(): Record<string, gcp.projects.Service> {
    const { project, scanImages } = this.environment;
    const made: Record<string, gcp.projects.Service> = {};
    const make = (service: string, dependsOn: gcp.projects.Service[]) =>
      this.make(
        gcp.projects.Service,
        service,
        {
          project,
          service: `${service}.googleapis.com`,
          // The project may be shared, and an API that goes off takes the neighbours' resources with it.
          disableOnDestroy: false,
          disableDependentServices: false,
        },
        { dependsOn },
      );
    for (const service of firstServices) made[service] = make(service, Object.values(made));
    const first = Object.values(made);
    for (const service of [...Object.keys(services), ...(scanImages ? [scanningService] : [])])
      made[service] ??= make(service, first);
    return made;
  }

  #identities(apis: Record<string, gcp.projects.Service>): Record<AgentName, gcp.projects.ServiceIdentity> {
    const { project } = this.environment;
    const make = (agent: string) =>
      this.make(
        gcp.projects.ServiceIdentity,
        `${agent}-agent`,
        { project, service: `${agent}.googleapis.com` },
        { dependsOn: [apis[agent] as gcp.projects.Service] },
      );
    return Object.fromEntries(Object.keys(agentDomains).map((agent) => [agent, make(agent)])) as Record<
      AgentName,
      gcp.projects.ServiceIdentity
    >;
  }

  /** Not the resources' `member`: not every API answers with the address of its agent. Known once the agent is made. */
  #members(
    identities: Record<AgentName, gcp.projects.ServiceIdentity>,
  ): Readonly<Record<AgentName, pulumi.Output<string>>> {
    return Object.fromEntries(
      Object.entries(identities).map(([agent, identity]) => [
        agent,
        pulumi
          .all([this.projectNumber, identity.id])
          .apply(([number]) => `serviceAccount:service-${number}@${agentDomains[agent as AgentName]}`),
      ]),
    ) as Record<AgentName, pulumi.Output<string>>;
  }

  /** @param apis Google's own accounts come with them, and the API that keeps grants is among them. */
  #agentGrants(apis: pulumi.Resource[]): pulumi.Resource[] {
    const { project } = this.environment;
    const googleApis = this.projectNumber.apply(
      (number) => `serviceAccount:${number}@cloudservices.gserviceaccount.com`,
    );
    return agentRoles.map(({ name, agent, role }) =>
      this.make(
        gcp.projects.IAMMember,
        name,
        { project, role, member: agent === 'googleApis' ? googleApis : this.agents[agent] },
        { dependsOn: apis },
      ),
    );
  }

  #audit(apis: Record<string, gcp.projects.Service>): void {
    const { project } = this.environment;
    for (const { service, logTypes } of audited)
      this.make(
        gcp.projects.IAMAuditConfig,
        `audit-${service}`,
        {
          project,
          service: service === 'allServices' ? service : `${service}.googleapis.com`,
          auditLogConfigs: logTypes.map((logType) => ({ logType })),
        },
        {
          dependsOn: [apis[service], apis['cloudresourcemanager']].filter((api) => api !== undefined),
          // A record per project and service: the end of one environment must not blind its neighbours. Costs by use only.
          retainOnDelete: true,
        },
      );
  }
}

/**
 * Pure: the number, from the address of the Pub/Sub service agent.
 * @param rendered Kubernetes objects are written to files: a simulation of the cloud, which tells no address, will do.
 * @throws Error when the address is not one of a service agent.
 */
export function projectNumberOf(email: string | undefined, rendered = false): string {
  const number = /^service-(\d+)@/.exec(email ?? '')?.[1];
  if (number !== undefined) return number;
  if (!email && rendered) return '000000000000';
  throw new Error(
    `address of the Pub/Sub service agent is '${email}': expected is service-<project number>@${agentDomains.pubsub}`,
  );
}
