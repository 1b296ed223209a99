import { describe, expect, test } from 'vitest';
import { alertsOf } from '../../../infra/observability/alerts.ts';
import { Observability } from '../../../infra/observability/observability.ts';
import type { EnvironmentSettings } from '../../../infra/settings/schema.ts';
import { type TierName, tierNames } from '../../../infra/tiers.ts';
import { environmentFor, ofType, only, recordComponent } from '../support/component.ts';

type Given = { tier: TierName; mode?: 'up' | 'preview'; settings?: Partial<EnvironmentSettings> };
const build = (given: Given, transforms: Partial<ConstructorParameters<typeof Observability>[1]> = {}) =>
  recordComponent(given, (environment, options) => {
    new Observability(
      'observability',
      { environment, generation: '0a1b', projectNumber: '123456789012', after: [], ...transforms },
      options,
    );
    return undefined;
  });

const emails = ['ops@example.com', 'iot@example.com'];
const budget = { billingAccount: '012345-6789AB-CDEF01', monthly: 500, currency: 'EUR' };

describe('observability', () => {
  test.each(tierNames)('%s: a preview registers what an up registers', async (tier) => {
    const settings = { alertEmails: emails, budget };
    const [up, preview] = [await build({ tier, settings }), await build({ tier, mode: 'preview', settings })];
    expect(preview.registrations.map(({ urn }) => urn)).toEqual(up.registrations.map(({ urn }) => urn));
    const queries = (recording: typeof up) =>
      ofType(recording, 'gcp:monitoring/alertPolicy:AlertPolicy').map(({ inputs }) => inputs['conditions']);
    expect(queries(preview)).toEqual(queries(up));
  });

  test('every alert is a policy that may ask for a metric of tomorrow, and goes to every address', async () => {
    const settings = { alertEmails: emails };
    const recording = await build({ tier: 'prod', settings });
    const alerts = alertsOf(environmentFor({ tier: 'prod', settings }));
    const policies = ofType(recording, 'gcp:monitoring/alertPolicy:AlertPolicy');
    expect(policies).toHaveLength(alerts.length);
    for (const alert of alerts) {
      const { inputs } = only(recording, 'gcp:monitoring/alertPolicy:AlertPolicy', `observability-alerts-${alert.id}`);
      expect(inputs).toMatchObject({
        displayName: `prod: ${alert.title}`,
        severity: { call: 'CRITICAL', today: 'ERROR', week: 'WARNING' }[alert.urgency],
        conditions: [
          {
            conditionPrometheusQueryLanguage: {
              query: alert.query,
              duration: `${alert.forMinutes * 60}s`,
              evaluationInterval: '60s',
              disableMetricValidation: true,
            },
          },
        ],
        documentation: { mimeType: 'text/markdown' },
      });
      expect(inputs['notificationChannels']).toHaveLength(emails.length);
    }
    expect(
      ofType(recording, 'gcp:monitoring/notificationChannel:NotificationChannel').map(({ inputs }) => inputs['labels']),
    ).toEqual([{ email_address: 'iot@example.com' }, { email_address: 'ops@example.com' }]);
  });

  test('logs of the namespace go to a bucket of the region for as long as the tier says, and nowhere else', async () => {
    const recording = await build({ tier: 'prod' });
    expect(only(recording, 'gcp:logging/projectBucketConfig:ProjectBucketConfig').protect).toBe(true);
    expect(only(recording, 'gcp:logging/projectBucketConfig:ProjectBucketConfig').inputs).toMatchObject({
      bucketId: 'prod-platform-0a1b',
      location: 'europe-west1',
      retentionDays: 90,
      locked: false,
      deletionPolicy: 'PREVENT',
    });
    const ours =
      'resource.type="k8s_container" AND resource.labels.cluster_name="prod" AND resource.labels.namespace_name="iot-prod"';
    expect(only(recording, 'gcp:logging/projectSink:ProjectSink').inputs).toMatchObject({
      destination: 'logging.googleapis.com/projects/iot-prod-1/locations/europe-west1/buckets/prod-platform-0a1b',
      filter: ours,
      exclusions: [{ name: 'health-checks', filter: expect.stringContaining('healthz|readyz|metrics') }],
      uniqueWriterIdentity: true,
    });
    const exclusion = only(recording, 'gcp:logging/projectExclusion:ProjectExclusion');
    expect(exclusion.inputs['filter']).toBe(ours);
    expect(exclusion.dependencies.some((urn) => urn.includes('projectSink:ProjectSink'))).toBe(true);
    expect(
      ofType(recording, 'gcp:logging/metric:Metric').map(({ inputs }) => [inputs['name'], inputs['filter']]),
    ).toEqual([
      ['prod-error-lines', `${ours} AND severity>=ERROR`],
      ['prod-probe-failures', `${ours} AND severity>=ERROR AND resource.labels.container_name="probe"`],
    ]);
  });

  test('service levels come after their metrics have arrived', async () => {
    const recording = await build({ tier: 'prod' });
    const wait = only(recording, 'command:local:Command');
    expect(wait.inputs['environment']).toEqual({
      IOT_PROJECT: 'iot-prod-1',
      IOT_METRICS:
        'iot_gateway_ack_seconds/histogram,iot_gateway_messages_acknowledged_total/counter,iot_gateway_messages_received_total/counter,iot_processor_queryable_seconds/histogram',
    });
    const levels = ofType(recording, 'gcp:monitoring/slo:Slo');
    expect(levels.map(({ inputs }) => [inputs['sloId'], inputs['goal'], inputs['rollingPeriodDays']])).toEqual([
      ['ack-latency', 0.99, 28],
      ['availability', 0.999, 28],
      ['queryable-latency', 0.99, 28],
    ]);
    for (const { dependencies } of levels) expect(dependencies).toContain(wait.urn);
    const scope =
      'resource.type="prometheus_target" AND resource.labels.cluster="prod" AND resource.labels.namespace="iot-prod"';
    expect(
      only(recording, 'gcp:monitoring/slo:Slo', 'observability-levels-availability').inputs['requestBasedSli'],
    ).toEqual({
      goodTotalRatio: {
        goodServiceFilter: `metric.type="prometheus.googleapis.com/iot_gateway_messages_acknowledged_total/counter" AND ${scope}`,
        totalServiceFilter: `metric.type="prometheus.googleapis.com/iot_gateway_messages_received_total/counter" AND ${scope} AND metric.labels.qos != "0"`,
      },
    });
    expect(
      only(recording, 'gcp:monitoring/slo:Slo', 'observability-levels-ack-latency').inputs['requestBasedSli'],
    ).toEqual({
      distributionCut: {
        distributionFilter: `metric.type="prometheus.googleapis.com/iot_gateway_ack_seconds/histogram" AND ${scope}`,
        range: { max: 0.25 },
      },
    });
  });

  test('where others apply the objects nothing waits for their metrics, and the alerts are there all the same', async () => {
    const recording = await build({ tier: 'prod', settings: { renderKubernetesTo: 'out' } });
    expect(ofType(recording, 'command:local:Command')).toEqual([]);
    expect(ofType(recording, 'gcp:monitoring/slo:Slo')).toEqual([]);
    expect(ofType(recording, 'gcp:monitoring/alertPolicy:AlertPolicy').length).toBeGreaterThan(15);
  });

  test('the API is asked from outside by HTTPS with a valid certificate, where it has a host', async () => {
    const type = 'gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig';
    expect(only(await build({ tier: 'prod' }), type).inputs).toMatchObject({
      monitoredResource: { type: 'uptime_url', labels: { project_id: 'iot-prod-1', host: 'api.prod.iot.example.com' } },
      httpCheck: { path: '/openapi.json', port: 443, useSsl: true, validateSsl: true },
      contentMatchers: [{ content: '"openapi"', matcher: 'CONTAINS_STRING' }],
    });
    expect(ofType(await build({ tier: 'dev' }), type)).toEqual([]);
  });

  test('a budget counts what has the label of the environment, and is there only when it was set', async () => {
    const type = 'gcp:billing/budget:Budget';
    const { inputs } = only(await build({ tier: 'prod', settings: { budget, alertEmails: emails } }), type);
    expect(inputs).toMatchObject({
      billingAccount: '012345-6789AB-CDEF01',
      amount: { specifiedAmount: { currencyCode: 'EUR', units: '500' } },
      budgetFilter: { projects: ['projects/123456789012'], labels: { environment: 'prod' } },
    });
    expect((inputs['thresholdRules'] as { thresholdPercent: number }[]).map((rule) => rule.thresholdPercent)).toEqual([
      0.5, 0.9, 1, 1,
    ]);
    const silent = only(await build({ tier: 'prod', settings: { budget } }), type).inputs;
    expect(silent['allUpdatesRule']).toBeUndefined();
    const seven = Array.from({ length: 7 }, (_, i) => `${i}@example.com`);
    const many = only(await build({ tier: 'prod', settings: { budget, alertEmails: seven } }), type).inputs;
    expect(
      (many['allUpdatesRule'] as { monitoringNotificationChannels: unknown[] }).monitoringNotificationChannels,
    ).toHaveLength(5);
    expect(ofType(await build({ tier: 'prod' }), type)).toEqual([]);
  });

  test('a transform reaches a child of a part, and one that names none is refused', async () => {
    const quiet = await build(
      { tier: 'dev' },
      {
        partTransforms: {
          alerts: { 'gateway-full': (args, options) => ({ args: { ...args, enabled: false }, options }) },
        },
      },
    );
    expect(
      only(quiet, 'gcp:monitoring/alertPolicy:AlertPolicy', 'observability-alerts-gateway-full').inputs['enabled'],
    ).toBe(false);
    await expect(
      build({ tier: 'dev' }, { partTransforms: { logs: { buckett: (args, options) => ({ args, options }) } } }),
    ).rejects.toThrow(/observability-logs: transforms name 'buckett'; its children are bucket, /);
  });
});
