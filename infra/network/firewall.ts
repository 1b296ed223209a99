import * as gcp from '@pulumi/gcp';
import * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { nameOf } from '../plan/names.ts';
import { type FirewallRule, firewallRules } from './firewall-rules.ts';

export type FirewallArgs = ComponentArgs & { vpc: gcp.compute.Network };

/** One firewall policy of the network: `firewall-rules.ts` carried out. */
export class Firewall extends Component {
  /** Secure tag of the nodes: key id to value id. */
  readonly nodeTags: pulumi.Output<Record<string, string>>;
  /** Name of the policy, for rules of others; priorities from 3000 are free. */
  readonly policy: string;

  constructor(name: string, args: FirewallArgs, options: pulumi.ComponentResourceOptions) {
    super('network:Firewall', name, args, options);
    this.policy = nameOf('compute', args.environment.name, 'firewall');
    const tag = this.#nodeTag(args.vpc);
    this.nodeTags = pulumi.all([tag.parent, tag.id]).apply(([key, value]) => ({ [key]: value }));
    const policy = this.make(gcp.compute.NetworkFirewallPolicy, 'policy', {
      name: this.policy,
      description: `Firewall of environment ${args.environment.name}`,
    });
    const rules = firewallRules(args.environment).map((rule) => this.#rule(rule, policy, tag));
    this.make(
      gcp.compute.NetworkFirewallPolicyAssociation,
      'association',
      { name: this.policy, attachmentTarget: args.vpc.id, firewallPolicy: policy.name },
      // The network never sees half a policy: it is attached when all rules are in, and taken off before any goes.
      { dependsOn: rules },
    );
    this.finish({ policy: this.policy });
  }

  /**
   * A secure tag instead of a network tag: who may attach it is a matter of IAM, and not of anybody who may start a machine.
   * https://cloud.google.com/kubernetes-engine/docs/how-to/tags-firewall-policies
   */
  #nodeTag(vpc: gcp.compute.Network): gcp.tags.TagValue {
    const { project, name } = this.environment;
    const key = this.make(
      gcp.tags.TagKey,
      'tag-key',
      {
        parent: `projects/${project}`,
        shortName: nameOf('compute', name, 'role'),
        description: `What an instance of environment ${name} is, for its firewall`,
        purpose: 'GCE_FIREWALL',
        purposeData: { network: `${project}/${nameOf('compute', name)}` },
      },
      { dependsOn: [vpc] },
    );
    return this.make(gcp.tags.TagValue, 'tag-node', {
      parent: key.id,
      shortName: 'node',
      description: 'A node of the cluster',
    });
  }

  #rule(rule: FirewallRule, policy: gcp.compute.NetworkFirewallPolicy, tag: gcp.tags.TagValue): pulumi.Resource {
    const ranges = [...(rule.ranges ?? [])];
    return this.make(gcp.compute.NetworkFirewallPolicyRule, rule.name, {
      firewallPolicy: policy.name,
      ruleName: rule.name,
      description: rule.why,
      priority: rule.priority,
      direction: rule.direction,
      action: rule.action,
      enableLogging: rule.logged,
      match: {
        ...(rule.direction === 'INGRESS' ? { srcIpRanges: ranges } : ranges.length > 0 ? { destIpRanges: ranges } : {}),
        ...(rule.names === undefined ? {} : { destFqdns: [...rule.names] }),
        layer4Configs: rule.layer4.map(({ protocol, ports }) => ({
          ipProtocol: protocol,
          ...(ports === undefined ? {} : { ports: [...ports] }),
        })),
      },
      ...(rule.nodesOnly ? { targetSecureTags: [{ name: tag.id }] } : {}),
    });
  }
}
