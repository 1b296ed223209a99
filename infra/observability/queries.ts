import { busName } from '../../runtime/contracts/bus.ts';
import { clusterName } from '../cluster/names.ts';
import type { Environment } from '../environment.ts';
import { namespaceOf } from '../identity/names.ts';
import { nameOf } from '../plan/names.ts';

/**
 * PromQL for one environment, as text. Alerts, service levels and dashboards are made of these, so that a metric's name
 * and an environment's labels stand in one place. A project may hold several environments: nothing is asked without its
 * selector.
 */
export type Selectors = {
  /** A metric of our own, by Managed Prometheus: `ours('iot_gateway_connections')`, with more matchers by choice. */
  ours: (metric: string, ...matchers: string[]) => string;
  /** A metric of Google's Kubernetes, of the platform's namespace. */
  pods: (metric: string, ...matchers: string[]) => string;
  /** A metric of a Pub/Sub subscription of `busPlan`. */
  subscription: (metric: string, ...names: string[]) => string;
  /** A metric of the environment's Cloud SQL instances. */
  databases: (metric: string) => string;
  /** A metric of the environment's Valkey instance. */
  cache: (metric: string) => string;
  /** A counter made of log lines by this program. */
  logs: (metric: string) => string;
};

/**
 * Google's own metrics in PromQL: `pubsub.googleapis.com/subscription/x` is `pubsub_googleapis_com:subscription_x`.
 * https://cloud.google.com/monitoring/promql/promql-mapping
 */
const google = (type: string): string => {
  const at = type.indexOf('/');
  const legal = (text: string) => text.replace(/[^a-zA-Z0-9_]/g, '_');
  return `${legal(type.slice(0, at))}:${legal(type.slice(at + 1))}`;
};

const select = (metric: string, matchers: readonly string[]): string => `${metric}{${matchers.join(',')}}`;

export function selectorsOf(environment: Environment): Selectors {
  const { name, project } = environment;
  const cluster = clusterName(environment);
  const namespace = namespaceOf(environment);
  return {
    ours: (metric, ...more) => select(metric, [`cluster="${cluster}"`, `namespace="${namespace}"`, ...more]),
    pods: (metric, ...more) =>
      select(google(`kubernetes.io/${metric}`), [
        'monitored_resource="k8s_container"',
        `cluster_name="${cluster}"`,
        `namespace_name="${namespace}"`,
        ...more,
      ]),
    subscription: (metric, ...names) =>
      select(google(`pubsub.googleapis.com/subscription/${metric}`), [
        'monitored_resource="pubsub_subscription"',
        `subscription_id=~"${names.map((each) => busName(name, each)).join('|')}"`,
      ]),
    databases: (metric) =>
      select(google(`cloudsql.googleapis.com/database/${metric}`), [
        'monitored_resource="cloudsql_database"',
        // The four digits of the generation end the name: an environment whose name begins with this one's is not meant.
        `database_id=~"${project}:${name}-(core|shard-[0-9]+)-[0-9a-f]{4}"`,
      ]),
    cache: (metric) =>
      select(google(`memorystore.googleapis.com/instance/${metric}`), [
        'monitored_resource="memorystore.googleapis.com/Instance"',
        `instance_id=~"(.*/)?${nameOf('memorystore', name, 'cache')}"`,
      ]),
    logs: (metric) => select(google(`logging.googleapis.com/user/${metric}`), ['monitored_resource="k8s_container"']),
  };
}

/** Names of counters made of log lines. */
export const logMetricNames = ({ name }: Pick<Environment, 'name'>) => ({
  errors: `${name}-error-lines`,
  probeFailures: `${name}-probe-failures`,
});

/** `0.999` and not `0.9990000000000001`. */
export const number = (value: number): string => String(Number(value.toPrecision(12)));
