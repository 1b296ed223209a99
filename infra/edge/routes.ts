import * as kubernetes from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { type ClusterNeed, inCluster } from '../workloads/needs.ts';
import { ports } from '../workloads/ports.ts';
import { apiHostOf, edgeNames } from './names.ts';

export type RoutesArgs = ComponentArgs & {
  cluster: ClusterNeed;
  /** The cloud's side: addresses, certificate map and policies, which are referred to by name. */
  edge: pulumi.Resource;
  /** Literal name of the namespace in which the `api` Service is. */
  namespace: string;
  /** The workloads: the load balancer's backends have to be there. */
  after: readonly pulumi.Resource[];
};

/** Longest answer in seconds: live streams last until then, and the client opens the next one. */
const longestAnswer = 3_600;
/** Seconds in which requests that are under way may end when a pod goes; below the pod's own grace period. */
const drainingSeconds = 30;

/** How people reach the API: the load balancer that GKE makes of these objects. Nothing without a domain. */
export class Routes extends Component {
  constructor(name: string, args: RoutesArgs, options: pulumi.ComponentResourceOptions) {
    super('edge:Routes', name, args, inCluster(options, args.cluster));
    const host = apiHostOf(args.environment);
    if (host !== null) {
      const policies = [this.#tls(args), this.#backend(args), this.#health(args)];
      const gateway = this.#gateway(args, host, policies);
      this.#route(args, 'api', { host, listener: 'https', rule: toService }, gateway);
      this.#route(args, 'to-https', { host, listener: 'http', rule: toHttps }, gateway);
    }
    this.finish({ host });
  }

  /** https://cloud.google.com/kubernetes-engine/docs/concepts/gateway-api */
  #gateway({ environment, namespace, edge, after }: RoutesArgs, host: string, policies: pulumi.Resource[]) {
    const names = edgeNames(environment);
    const here = { namespaces: { from: 'Same' } };
    return this.make(
      kubernetes.apiextensions.CustomResource,
      'gateway',
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'Gateway',
        metadata: {
          name: 'api',
          namespace,
          labels,
          annotations: { 'networking.gke.io/certmap': names.certificateMap },
        },
        spec: {
          gatewayClassName: 'gke-l7-global-external-managed',
          addresses: [{ type: 'NamedAddress', value: names.apiAddress }],
          listeners: [
            { name: 'https', protocol: 'HTTPS', port: 443, hostname: host, allowedRoutes: here },
            { name: 'http', protocol: 'HTTP', port: 80, hostname: host, allowedRoutes: here },
          ],
        },
      },
      // A load balancer in the cloud: deleted for real, before cluster, address and certificate.
      { dependsOn: [edge, ...after, ...policies] },
    );
  }

  #route(
    { namespace }: RoutesArgs,
    name: string,
    { host, listener, rule }: { host: string; listener: string; rule: object },
    gateway: pulumi.Resource,
  ) {
    this.make(
      kubernetes.apiextensions.CustomResource,
      `route-${name}`,
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'HTTPRoute',
        metadata: { name, namespace, labels },
        spec: { parentRefs: [{ name: 'api', sectionName: listener }], hostnames: [host], rules: [rule] },
      },
      { dependsOn: [gateway] },
    );
  }

  #tls(args: RoutesArgs) {
    return this.#policy(args, 'GCPGatewayPolicy', 'gateway.networking.k8s.io', 'Gateway', {
      sslPolicy: edgeNames(args.environment).tlsPolicy,
    });
  }

  /** https://cloud.google.com/kubernetes-engine/docs/how-to/configure-gateway-resources */
  #backend(args: RoutesArgs) {
    const { environment } = args;
    return this.#policy(args, 'GCPBackendPolicy', '', 'Service', {
      timeoutSec: longestAnswer,
      connectionDraining: { drainingTimeoutSec: drainingSeconds },
      // Every tenth request; in millionths. What Cloud Armor refuses is logged by the same setting.
      logging: { enabled: true, sampleRate: 100_000 },
      ...(environment.hardening['edge.cloudArmor'] ? { securityPolicy: edgeNames(environment).securityPolicy } : {}),
    });
  }

  #health(args: RoutesArgs) {
    return this.#policy(args, 'HealthCheckPolicy', '', 'Service', {
      checkIntervalSec: 5,
      timeoutSec: 5,
      healthyThreshold: 1,
      unhealthyThreshold: 2,
      logConfig: { enabled: true },
      // Readiness, on its own port: the port of the API answers nothing without a token.
      config: {
        type: 'HTTP',
        httpHealthCheck: { portSpecification: 'USE_FIXED_PORT', port: ports.health, requestPath: '/readyz' },
      },
    });
  }

  /** A policy of GKE's on the Gateway or Service named `api`. */
  #policy({ cluster, namespace, edge, after }: RoutesArgs, kind: string, group: string, target: string, value: object) {
    return this.make(
      kubernetes.apiextensions.CustomResource,
      kind,
      {
        apiVersion: 'networking.gke.io/v1',
        kind,
        metadata: { name: 'api', namespace, labels },
        spec: { default: value, targetRef: { group, kind: target, name: 'api' } },
      },
      { deletedWith: cluster.cluster, dependsOn: [edge, ...after] },
    );
  }
}

const labels = { 'app.kubernetes.io/part-of': 'iot-platform', 'app.kubernetes.io/managed-by': 'pulumi' };

const everyPath = [{ path: { type: 'PathPrefix', value: '/' } }];
const toService = { matches: everyPath, backendRefs: [{ name: 'api', port: ports.api }] };
const toHttps = {
  matches: everyPath,
  filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 301 } }],
};
