import * as command from '@pulumi/command';
import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { nameOf } from '../plan/names.ts';
import { type Level, levelsOf, windowDays } from './levels.ts';

export type ServiceLevelsArgs = ComponentArgs & {
  /** What makes the metrics: the service levels come after it. */
  after: readonly pulumi.Resource[];
};

/**
 * The service and its levels, as Google's console shows them. Google takes no service level on a metric that has never
 * been written ("The metric referenced by the provided filter is unknown"), so that a first `up` waits until the gateways'
 * and processors' metrics have arrived: some minutes. The alerts on the same levels do not need this.
 */
export class ServiceLevels extends Component {
  readonly service: gcp.monitoring.CustomService;

  constructor(name: string, args: ServiceLevelsArgs, options: pulumi.ComponentResourceOptions) {
    super('observability:ServiceLevels', name, args, options);
    this.service = this.#service();
    const arrived = this.#arrived(args.after);
    for (const level of levelsOf(args.environment)) this.#level(level, arrived);
    this.finish({ service: this.service.name });
  }

  #service(): gcp.monitoring.CustomService {
    const { environment } = this;
    return this.make(gcp.monitoring.CustomService, 'service', {
      serviceId: nameOf('repository', 'iot', environment.name),
      displayName: `IoT ${environment.name}`,
      userLabels: { ...environment.labels },
    });
  }

  #arrived(after: readonly pulumi.Resource[]): command.local.Command {
    const { environment } = this;
    const metrics = [...new Set(levelsOf(environment).flatMap((level) => level.metrics))].sort();
    return this.make(
      command.local.Command,
      'metrics-arrived',
      {
        // The engine runs it in the program's folder; a person may run it at the root.
        create: '[ -d infra/observability ] || cd ..; exec node infra/observability/await-metrics.mjs',
        environment: { IOT_PROJECT: environment.project, IOT_METRICS: metrics.join(',') },
      },
      { dependsOn: [...after] },
    );
  }

  #level(level: Level, arrived: pulumi.Resource): void {
    const { indicator } = level;
    this.make(
      gcp.monitoring.Slo,
      level.id,
      {
        service: this.service.serviceId,
        sloId: level.id,
        displayName: level.title,
        goal: level.goal,
        rollingPeriodDays: windowDays,
        requestBasedSli:
          indicator.kind === 'ratio'
            ? { goodTotalRatio: { goodServiceFilter: indicator.good, totalServiceFilter: indicator.total } }
            : {
                distributionCut: {
                  distributionFilter: indicator.distribution,
                  range: { max: indicator.atMostSeconds },
                },
              },
        userLabels: { ...this.environment.labels },
      },
      { dependsOn: arrived },
    );
  }
}
