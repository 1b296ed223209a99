import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import type { Environment } from '../../../infra/environment.ts';
import type { Recording, Registration } from '../../../infra/recording/record.ts';
import { type TierName, tierNames } from '../../../infra/tiers.ts';
import { drainOf } from '../../../infra/workloads/drain.ts';
import { SweepSettings } from '../../../runtime/contracts/settings/jobs.ts';
import * as settings from '../../../runtime/contracts/settings/services.ts';
import { readSettings } from '../../../runtime/platform/service/settings.ts';
import { environmentFor, ofType, only } from '../support/component.ts';
import { recordWorkloads } from './needs.ts';

type Variable = { name: string; value?: string; valueFrom?: { fieldRef: { fieldPath: string } } };
type Container = {
  name: string;
  image: string;
  args?: string[];
  env: Variable[];
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  securityContext: object;
  startupProbe?: object;
  restartPolicy?: string;
  lifecycle?: { preStop: { sleep: { seconds: number } } };
};
type PodSpec = {
  containers: Container[];
  initContainers?: Container[];
  volumes: { name: string; emptyDir?: { medium?: string; sizeLimit: string } }[];
  securityContext: object;
  serviceAccountName: string;
  automountServiceAccountToken: boolean;
  terminationGracePeriodSeconds: number;
  priorityClassName: string;
  topologySpreadConstraints?: { topologyKey: string; whenUnsatisfiable: string }[];
  restartPolicy?: string;
};
type Pod = { name: string; spec: PodSpec; labels: Record<string, string> };

const deployment = 'kubernetes:apps/v1:Deployment';
const job = 'kubernetes:batch/v1:Job';
const cronJob = 'kubernetes:batch/v1:CronJob';

/** biome-ignore-start lint/suspicious/noExplicitAny: recorded inputs are JSON. */
const inputs = (registration: Registration): any => registration.inputs;
/** biome-ignore-end lint/suspicious/noExplicitAny: as above. */

/** Every pod that is ever made, whoever makes it. */
function podsOf(recording: Recording): Pod[] {
  const templates = [
    ...[...ofType(recording, deployment), ...ofType(recording, job)].map((each) => inputs(each).spec.template),
    ...ofType(recording, cronJob).map((each) => inputs(each).spec.jobTemplate.spec.template),
  ];
  return templates.map(({ metadata, spec }) => ({
    name: metadata.labels['app.kubernetes.io/name'],
    labels: metadata.labels,
    spec,
  }));
}
const podNamed = (recording: Recording, name: string): Pod => {
  const found = podsOf(recording).find((pod) => pod.name === name);
  if (found === undefined) throw new Error(`no pod named ${name}`);
  return found;
};
const containersOf = ({ spec }: Pod): Container[] => [...(spec.initContainers ?? []), ...spec.containers];

const schemas: Readonly<Record<string, z.ZodObject>> = {
  gateway: settings.GatewaySettings,
  certificates: settings.CertificatesSettings,
  processor: settings.ProcessorSettings,
  devices: settings.DevicesSettings,
  telemetry: settings.TelemetrySettings,
  api: settings.ApiSettings,
  migrate: settings.MigrateSettings,
  authority: settings.AuthoritySettings,
  retention: settings.RetentionSettings,
  sweep: SweepSettings,
  'probe-client': settings.ProbeClientSettings,
  probe: settings.ProbeSettings,
};

/** What a container would read when it starts. */
function read(container: Container): Record<string, unknown> {
  const env = Object.fromEntries(container.env.map(({ name, value }) => [name, value ?? 'pod-5f6d9c7b8-x2x4z']));
  const schema = schemas[container.name];
  if (schema === undefined) throw new Error(`no schema of ${container.name}`);
  return readSettings(container.name, schema, env);
}

const recordings = new Map<string, Promise<Recording>>();
const recorded = (tier: TierName, mode: 'up' | 'preview' = 'up') => {
  const key = `${tier} ${mode}`;
  const made = recordings.get(key) ?? recordWorkloads({ tier, mode, settings: { devices: 5_000 } });
  recordings.set(key, made);
  return made;
};

describe.each(tierNames)('workloads of tier %s', (tier) => {
  test('a preview registers what an up registers', async () => {
    const urns = ({ registrations }: Recording) => registrations.map(({ urn }) => urn);
    expect(urns(await recorded(tier, 'preview'))).toEqual(urns(await recorded(tier)));
  });

  test('every container is restricted, and every pod', async () => {
    const pods = podsOf(await recorded(tier));
    expect(pods.length).toBeGreaterThanOrEqual(8);
    for (const pod of pods) {
      expect(pod.spec.securityContext).toEqual({
        runAsNonRoot: true,
        runAsUser: 65532,
        runAsGroup: 65532,
        fsGroup: 65532,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(pod.spec.automountServiceAccountToken).toBe(false);
      for (const container of containersOf(pod)) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          runAsNonRoot: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(container.resources.limits).toEqual(container.resources.requests);
        expect(Object.keys(container.resources.limits).sort()).toEqual(['cpu', 'ephemeral-storage', 'memory']);
        expect(container.image).toMatch(/@sha256:[0-9a-f]{64}$/);
      }
    }
    expect(only(await recorded(tier), 'kubernetes:core/v1:Namespace').inputs).toMatchObject({
      metadata: { name: `iot-${tier}`, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
  });

  test("every container's variables pass its service's own schema", async () => {
    for (const pod of podsOf(await recorded(tier)))
      for (const container of containersOf(pod)) expect(read(container), container.name).toBeTruthy();
  });

  test('every pod has a policy, an account bound to a Google one, and a priority', async () => {
    const recording = await recorded(tier);
    const policies = ofType(recording, 'kubernetes:networking.k8s.io/v1:NetworkPolicy').map(
      (policy) => inputs(policy).spec.podSelector.matchLabels?.['app.kubernetes.io/name'] ?? 'all',
    );
    expect([...policies].sort()).toEqual(['all', ...podsOf(recording).map(({ name }) => name)].sort());
    const accounts = new Map(
      ofType(recording, 'kubernetes:core/v1:ServiceAccount').map((each) => [
        inputs(each).metadata.name,
        inputs(each).metadata.annotations['iam.gke.io/gcp-service-account'],
      ]),
    );
    const classes = ofType(recording, 'kubernetes:scheduling.k8s.io/v1:PriorityClass').map(
      (each) => inputs(each).metadata.name,
    );
    for (const { spec } of podsOf(recording)) {
      expect(accounts.get(spec.serviceAccountName)).toBe(
        `${tier}-${spec.serviceAccountName}@iot-${tier}-1.iam.gserviceaccount.com`,
      );
      expect(classes).toContain(spec.priorityClassName);
    }
  });

  test('as many pods as the plan says, at rest and at most, and no number of their own', async () => {
    const recording = await recorded(tier);
    const { plan } = environmentFor({ tier, settings: { devices: 5_000 } });
    const scaling = ofType(recording, 'kubernetes:autoscaling/v2:HorizontalPodAutoscaler').map((each) => {
      const { scaleTargetRef, minReplicas, maxReplicas } = inputs(each).spec;
      return [scaleTargetRef.name, { minReplicas, maxReplicas }];
    });
    expect(Object.fromEntries(scaling)).toEqual(
      Object.fromEntries(
        Object.entries(plan.pods).map(([name, { replicas, maximum }]) => [
          name,
          { minReplicas: replicas, maxReplicas: maximum },
        ]),
      ),
    );
    for (const each of ofType(recording, deployment)) expect(inputs(each).spec).not.toHaveProperty('replicas');
    for (const [name, { cpu, memory }] of Object.entries(plan.pods))
      expect(podNamed(recording, name).spec.containers[0]?.resources.requests).toMatchObject({ cpu, memory });
  });

  test('what has no side effect in the cloud goes with the cluster; the load balancer is deleted for real', async () => {
    const recording = await recorded(tier);
    const cluster = only(recording, 'gcp:container/cluster:Cluster').urn;
    const real = recording.registrations
      .filter(({ type, deletedWith }) => type.startsWith('kubernetes:') && deletedWith !== cluster)
      .map(({ type, inputs }) => `${type} ${(inputs as { metadata: { name: string } }).metadata.name}`);
    const named = tier === 'staging' || tier === 'prod';
    const ofDomain = named ? ['kubernetes:core/v1:Service api', 'kubernetes:core/v1:Service est'] : [];
    expect(real.sort()).toEqual([...ofDomain, 'kubernetes:core/v1:Service mqtt']);
  });
});

test('migrations run before new code, the authority before who signs, everything after what it needs', async () => {
  const recording = await recorded('prod');
  const before = dependenciesOf(recording);
  const urn = (type: string, name: string) => only(recording, type, name).urn;
  const migrate = urn(job, 'workloads-jobs-migrate-job');
  for (const each of ofType(recording, deployment)) expect(before(each.urn), each.name).toContain(migrate);
  const authority = urn(job, 'workloads-jobs-authority-job');
  expect(before(urn(deployment, 'workloads-devices-pods'))).toContain(authority);
  expect(before(authority)).toContain(migrate);
  expect(before(urn(cronJob, 'workloads-probe-job-job'))).toContain(urn(job, 'workloads-jobs-probe-client-job'));
  const parts = recording.registrations.filter(
    ({ type, name }) => type === 'gcp:storage/bucket:Bucket' && name !== 'home',
  );
  const needed = parts.filter(({ name }) => name !== 'edge').map((part) => part.urn);
  expect(before(migrate)).toEqual(expect.arrayContaining(needed));
  const address = only(recording, 'kubernetes:core/v1:Service', 'workloads-edge-address').urn;
  expect(before(address)).toEqual(expect.arrayContaining(parts.map((part) => part.urn)));
});

/** Everything that has to be there before: by dependency or as a parent, at any distance. */
function dependenciesOf({ registrations }: Recording): (urn: string) => string[] {
  const direct = new Map(
    registrations.map((each) => [each.urn, [...each.dependencies, ...(each.parent === null ? [] : [each.parent])]]),
  );
  return (urn) => {
    const found = new Set<string>();
    const walk = (at: string) => {
      for (const next of direct.get(at) ?? [])
        if (!found.has(next)) {
          found.add(next);
          walk(next);
        }
    };
    walk(urn);
    return [...found];
  };
}

describe('the gateway', () => {
  const gateway = async (tier: TierName) => podNamed(await recorded(tier), 'gateway').spec;

  test('has time to drain: load balancer, sessions, what is held', async () => {
    for (const tier of tierNames) {
      const { containers, terminationGracePeriodSeconds } = await gateway(tier);
      const [container] = containers as [Container];
      const drain = Number(read(container)['IOT_DRAIN_SECONDS']);
      const preStop = container.lifecycle?.preStop.sleep.seconds ?? 0;
      expect(preStop).toBeGreaterThanOrEqual(15);
      expect(terminationGracePeriodSeconds).toBeGreaterThan(preStop + drain + 10);
      const { plan } = environmentFor({ tier, settings: { devices: 5_000 } });
      expect(terminationGracePeriodSeconds).toBe(drainOf(plan).graceSeconds);
    }
  });

  test('gets its certificate from a sidecar, by a folder in memory that it can only read', async () => {
    const { initContainers = [], containers, volumes } = await gateway('prod');
    expect(initContainers).toMatchObject([
      { name: 'certificates', restartPolicy: 'Always', startupProbe: { httpGet: { path: '/readyz', port: 9091 } } },
    ]);
    expect(volumes).toContainEqual({ name: 'tls', emptyDir: { sizeLimit: '16Mi', medium: 'Memory' } });
    const mount = (container: Container | undefined) => container?.volumeMounts.find(({ name }) => name === 'tls');
    expect(mount(initContainers[0])).toEqual({ name: 'tls', mountPath: '/var/run/iot/tls' });
    expect(mount(containers[0])).toEqual({ name: 'tls', mountPath: '/var/run/iot/tls', readOnly: true });
    const names = initContainers[0]?.env.find(({ name }) => name === 'IOT_SERVER_NAMES')?.value;
    expect(names).toBe('mqtt.prod.iot.example.com');
    const dev = await gateway('dev');
    expect(dev.initContainers?.[0]?.env).toContainEqual({ name: 'IOT_SERVER_NAMES', value: 'gateway.iot-dev.svc' });
  });

  test('is replaced one pod at a time, none missing; zones are demanded where the tier says so', async () => {
    const recording = await recorded('prod');
    const { spec } = inputs(only(recording, deployment, 'workloads-edge-gateway-pods'));
    expect(spec.strategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
    expect(spec.minReadySeconds).toBe(30);
    const budget = only(recording, 'kubernetes:policy/v1:PodDisruptionBudget', 'workloads-edge-gateway-disruption');
    expect(inputs(budget).spec.maxUnavailable).toBe(1);
    const zone = async (tier: TierName) => (await gateway(tier)).topologySpreadConstraints?.[0];
    expect(await zone('prod')).toMatchObject({
      topologyKey: 'topology.kubernetes.io/zone',
      whenUnsatisfiable: 'DoNotSchedule',
    });
    expect(await zone('dev')).toMatchObject({ whenUnsatisfiable: 'ScheduleAnyway' });
  });

  test("devices reach it at the environment's own address, and it sees theirs", async () => {
    const { metadata, spec } = inputs(
      only(await recorded('prod'), 'kubernetes:core/v1:Service', 'workloads-edge-address'),
    );
    expect(metadata.annotations).toEqual({
      'networking.gke.io/load-balancer-ip-addresses': 'prod-mqtt',
      'networking.gke.io/weighted-load-balancing': 'pods-per-node',
    });
    expect(spec).toMatchObject({
      type: 'LoadBalancer',
      loadBalancerClass: 'networking.gke.io/l4-regional-external',
      externalTrafficPolicy: 'Local',
      ports: [{ port: 8883 }],
    });
  });

  test('scales up at once and down slowly, by connections where the tier takes the metric adapter', async () => {
    const hpa = async (tier: TierName) =>
      inputs(
        only(
          await recorded(tier),
          'kubernetes:autoscaling/v2:HorizontalPodAutoscaler',
          'workloads-edge-gateway-scaling',
        ),
      ).spec;
    const dev = await hpa('dev');
    expect(dev.behavior.scaleDown).toEqual({
      stabilizationWindowSeconds: 1_800,
      selectPolicy: 'Min',
      policies: [{ type: 'Pods', value: 1, periodSeconds: 300 }],
    });
    expect(dev.behavior.scaleUp.stabilizationWindowSeconds).toBe(0);
    const metric = 'autoscaling.gke.io|gateway|connections';
    expect(dev.metrics).toContainEqual(
      expect.objectContaining({ pods: expect.objectContaining({ metric: { name: metric } }) }),
    );
    const type = 'kubernetes:autoscaling.gke.io/v1beta1:AutoscalingMetric';
    expect(inputs(only(await recorded('dev'), type)).spec.metrics[0].pod.containers[0].metrics).toEqual([
      { gauge: { name: 'connections', prometheusMetricName: 'iot_gateway_connections' } },
    ]);
    // Pre-GA: not where it counts most.
    expect(JSON.stringify((await hpa('prod')).metrics)).not.toContain('autoscaling.gke.io');
    expect(ofType(await recorded('prod'), type)).toEqual([]);
    expect(
      (await hpa('prod')).metrics.map((each: { containerResource: { name: string } }) => each.containerResource.name),
    ).toEqual(['cpu', 'memory']);
  });

  test('metrics of the service and of its sidecar are collected', async () => {
    const type = 'kubernetes:monitoring.googleapis.com/v1:PodMonitoring';
    const { spec } = inputs(only(await recorded('prod'), type, 'workloads-edge-gateway-metrics'));
    expect(spec.endpoints).toEqual([
      { port: 9090, path: '/metrics', interval: '30s' },
      { port: 9091, path: '/metrics', interval: '30s' },
    ]);
  });
});

test.each([
  ['off', {}],
  ['managed', { IOT_OTLP_ENDPOINT: 'http://opentelemetry-collector.gke-managed-otel.svc.cluster.local:4318' }],
] as const)('traces %s: every service says where they go', async (traces, wanted) => {
  const recording = await recordWorkloads({ tier: 'dev', settings: { traces } });
  for (const service of ['gateway', 'processor', 'devices', 'telemetry', 'api']) {
    const [container] = podNamed(recording, service).spec.containers;
    const { IOT_OTLP_ENDPOINT, IOT_TRACE_RATIO } = read(container as Container) as Record<string, unknown>;
    expect({ service, IOT_OTLP_ENDPOINT, IOT_TRACE_RATIO }).toEqual({
      service,
      IOT_OTLP_ENDPOINT: undefined,
      ...wanted,
      IOT_TRACE_RATIO: traces === 'off' ? 0 : 0.01,
    });
  }
});

describe('jobs', () => {
  test('a new image is a new job, known at preview', async () => {
    const nameOf = async (digit: string) => {
      const recording = await recordWorkloads({ tier: 'dev', mode: 'preview' }, { image: digit });
      return inputs(only(recording, job, 'workloads-jobs-migrate-job')).metadata.name;
    };
    const [one, again, other] = [await nameOf('1'), await nameOf('1'), await nameOf('2')];
    expect(one).toMatch(/^migrate-[0-9a-f]{10}$/);
    expect(again).toBe(one);
    expect(other).not.toBe(one);
  });

  test('a try has a log of its own, and an end', async () => {
    const { spec } = inputs(only(await recorded('prod'), job, 'workloads-jobs-migrate-job'));
    expect(spec).toMatchObject({ backoffLimit: 4, activeDeadlineSeconds: 1_800 });
    expect(spec.template.spec.restartPolicy).toBe('Never');
    expect(spec.template.spec.containers[0].args).toEqual(['migrate']);
  });

  test('devices signed by CAS need no authority job, and a probe that costs less', async () => {
    const cas = await recordWorkloads({ tier: 'staging', settings: { deviceCertificates: 'cas' } });
    expect(ofType(cas, job).map(({ name }) => name)).toEqual([
      'workloads-jobs-migrate-job',
      'workloads-jobs-probe-client-job',
    ]);
    expect(read(podNamed(cas, 'devices').spec.containers[0] as Container)).toMatchObject({
      IOT_DEVICE_CERTIFICATES: 'cas',
      IOT_DEVICE_CA_POOL: 'projects/iot-staging-1/locations/europe-west1/caPools/devices-ab12',
    });
    const schedule = (recording: Recording) =>
      inputs(only(recording, cronJob, 'workloads-probe-job-job')).spec.schedule;
    expect(schedule(cas)).toBe('7 * * * *');
    expect(schedule(await recorded('staging'))).toBe('*/5 * * * *');
  });

  test('the probe runs where the tier wants it', async () => {
    const runs = async (tier: TierName) => podsOf(await recorded(tier)).some(({ name }) => name === 'probe');
    expect(await Promise.all(tierNames.map(async (tier) => [tier, await runs(tier)]))).toEqual([
      ['ephemeral', false],
      ['dev', false],
      ['staging', true],
      ['prod', true],
    ]);
  });

  test('people of another issuer: no keys, no first administrator, no client of ours', async () => {
    const oidc = { issuer: 'https://id.example.com', audience: 'iot' };
    const recording = await recordWorkloads({ tier: 'prod', settings: { oidc } });
    const api = read(podNamed(recording, 'api').spec.containers[0] as Container);
    expect(api).toMatchObject({ IOT_OIDC_ISSUER: oidc.issuer, IOT_OIDC_AUDIENCE: 'iot' });
    expect(api).not.toHaveProperty('IOT_KEYS_SECRET');
    expect(api).not.toHaveProperty('IOT_FIRST_ADMIN_SECRET');
    expect(ofType(recording, job).map(({ name }) => name)).not.toContain('workloads-jobs-probe-client-job');
  });
});

test('devices enrol by EST where there is a domain: a pass-through balancer, and a certificate of its own in the pod', async () => {
  const prod = await recorded('prod');
  const { spec } = inputs(only(prod, 'kubernetes:core/v1:Service', 'workloads-est-address'));
  expect(spec).toMatchObject({
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    selector: { 'app.kubernetes.io/name': 'api' },
    ports: [{ port: 443, targetPort: 'est' }],
  });
  const { initContainers: [sidecar] = [], containers } = podNamed(prod, 'api').spec;
  expect(read(containers[0] as Container)).toMatchObject({ IOT_EST_PORT: 8443, IOT_EST_TLS_DIR: '/var/run/iot/tls' });
  expect(read(sidecar as Container)).toMatchObject({
    IOT_SERVER_NAMES: ['est.prod.iot.example.com'],
    IOT_TLS_DIR: '/var/run/iot/tls',
  });
  const dev = podNamed(await recorded('dev'), 'api').spec;
  expect(read(dev.containers[0] as Container)).not.toHaveProperty('IOT_EST_PORT');
  expect(dev.initContainers).toBeUndefined();
});

test('the namespace may hold every part at its largest, and an address for MQTT and for EST', async () => {
  const environment: Environment = environmentFor({ tier: 'prod', settings: { devices: 55_000 } });
  const recording = await recordWorkloads({ tier: 'prod', settings: { devices: 55_000 } });
  const { hard } = inputs(only(recording, 'kubernetes:core/v1:ResourceQuota')).spec;
  const pods = Object.values(environment.plan.pods).reduce((all, { maximum }) => all + maximum, 0);
  expect(Number(hard.pods)).toBeGreaterThan(pods);
  expect(hard).toMatchObject({ 'services.loadbalancers': '2', persistentvolumeclaims: '0' });
});

test('administrators operate the platform in its namespace, and nothing else of the cluster', async () => {
  const recording = await recordWorkloads({ tier: 'dev', settings: { administrators: ['user:ada@example.com'] } });
  const binding = inputs(only(recording, 'kubernetes:rbac.authorization.k8s.io/v1:RoleBinding'));
  expect(binding).toMatchObject({
    metadata: { name: 'iot-operators', namespace: 'iot-dev' },
    roleRef: { kind: 'ClusterRole', name: 'iot-operator' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'ada@example.com' }],
  });
  expect(ofType(await recordWorkloads({ tier: 'dev' }), 'kubernetes:rbac.authorization.k8s.io/v1:RoleBinding')).toEqual(
    [],
  );
});
