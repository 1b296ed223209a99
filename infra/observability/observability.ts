import * as gcp from '@pulumi/gcp';
import * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { apiHostOf } from '../edge/names.ts';
import { Alerting } from './alerting.ts';
import { dashboardJson, dashboardsOf } from './dashboards.ts';
import { Logs } from './logs.ts';
import { ServiceLevels } from './service-levels.ts';

export type ObservabilityArgs = ComponentArgs & {
  /** Transforms of the parts' children: `{ alerts: { 'gateway-full': (args, options) => … } }`. */
  partTransforms?: Partial<Record<'logs' | 'alerts' | 'levels', NonNullable<ComponentArgs['transforms']>>>;
  /** Four hex digits, new after each destroy: Google keeps a deleted log bucket's name for a week. */
  generation: pulumi.Input<string>;
  /** A budget names the project by its number. */
  projectNumber: pulumi.Input<string>;
  /** What serves, workloads and routes: service levels and the outside check come after it. */
  after: readonly pulumi.Resource[];
};

/** Service levels, alerts, dashboards, logs, the check from outside and the budget of an environment. */
export class Observability extends Component {
  readonly logs: Logs;
  readonly alerting: Alerting;
  /** null where the program does not apply the Kubernetes objects: nothing says when their metrics arrive. */
  readonly serviceLevels: ServiceLevels | null;

  constructor(name: string, args: ObservabilityArgs, options: pulumi.ComponentResourceOptions) {
    super('observability:Observability', name, args, options);
    const { environment, generation, after } = args;
    const child = { parent: this };
    const part = (key: 'logs' | 'alerts' | 'levels') => ({ environment, transforms: args.partTransforms?.[key] ?? {} });
    this.logs = new Logs(`${name}-logs`, { ...part('logs'), generation }, child);
    this.alerting = new Alerting(`${name}-alerts`, part('alerts'), child);
    this.serviceLevels =
      environment.renderKubernetesTo === null
        ? new ServiceLevels(`${name}-levels`, { ...part('levels'), after }, child)
        : null;
    this.#dashboards();
    this.#outside(after);
    this.#budget(args.projectNumber);
    this.finish({});
  }

  #dashboards(): void {
    for (const dashboard of dashboardsOf(this.environment))
      this.make(gcp.monitoring.Dashboard, `dashboard-${dashboard.id}`, {
        dashboardJson: dashboardJson(dashboard, this.environment),
      });
  }

  /** The API over HTTPS from outside, by what it answers without a login. */
  #outside(after: readonly pulumi.Resource[]): void {
    const host = apiHostOf(this.environment);
    if (host === null) return;
    this.make(
      gcp.monitoring.UptimeCheckConfig,
      'api-from-outside',
      {
        displayName: `${this.environment.name}: API from outside`,
        monitoredResource: { type: 'uptime_url', labels: { project_id: this.environment.project, host } },
        httpCheck: {
          path: '/openapi.json',
          port: 443,
          requestMethod: 'GET',
          useSsl: true,
          // A certificate that no browser takes is an outage.
          validateSsl: true,
          acceptedResponseStatusCodes: [{ statusClass: 'STATUS_CLASS_2XX' }],
        },
        contentMatchers: [{ content: '"openapi"', matcher: 'CONTAINS_STRING' }],
        checkerType: 'STATIC_IP_CHECKERS',
        period: '60s',
        timeout: '10s',
        userLabels: { ...this.environment.labels },
      },
      { dependsOn: [...after] },
    );
  }

  /** Mails at half, nine tenths and all of the month's money, and when all is foreseen to be spent; it stops nothing. */
  #budget(projectNumber: pulumi.Input<string>): void {
    const { budget, name, labels } = this.environment;
    if (budget === null) return;
    this.make(gcp.billing.Budget, 'budget', {
      billingAccount: budget.billingAccount,
      displayName: `IoT ${name}`,
      amount: { specifiedAmount: { currencyCode: budget.currency, units: String(budget.monthly) } },
      budgetFilter: {
        projects: [pulumi.interpolate`projects/${projectNumber}`],
        // A project may hold several environments. What takes no label (network traffic, for one) is not counted.
        labels: { environment: labels['environment'] ?? name },
        calendarPeriod: 'MONTH',
        creditTypesTreatment: 'INCLUDE_ALL_CREDITS',
      },
      thresholdRules: [
        { thresholdPercent: 0.5, spendBasis: 'CURRENT_SPEND' },
        { thresholdPercent: 0.9, spendBasis: 'CURRENT_SPEND' },
        { thresholdPercent: 1, spendBasis: 'CURRENT_SPEND' },
        { thresholdPercent: 1, spendBasis: 'FORECASTED_SPEND' },
      ],
      ...this.#recipients(),
    });
  }

  /** Beside the administrators of the billing account, whom Google always tells. It takes five channels at most. */
  #recipients() {
    const channels = this.alerting.channels.slice(0, 5).map((channel) => channel.name);
    return channels.length === 0 ? {} : { allUpdatesRule: { monitoringNotificationChannels: channels } };
  }
}
