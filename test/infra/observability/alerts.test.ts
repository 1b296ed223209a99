import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { documentationLimit, documentationOf } from '../../../infra/observability/alerting.ts';
import { type Alert, alertsOf } from '../../../infra/observability/alerts.ts';
import { dashboardsOf } from '../../../infra/observability/dashboards.ts';
import { burnQuery, burns, levelsOf, limits } from '../../../infra/observability/levels.ts';
import { tierNames } from '../../../infra/tiers.ts';
import { metricNames } from '../../../runtime/contracts/metrics.ts';
import { environmentFor } from '../support/component.ts';

const root = new URL('../../../', import.meta.url);
const at = (path: string) => new URL(path, root);
const alertOf = (id: string, given: Parameters<typeof environmentFor>[0] = { tier: 'prod' }): Alert => {
  const alert = alertsOf(environmentFor(given)).find((each) => each.id === id);
  if (alert === undefined) throw new Error(`no alert ${id}`);
  return alert;
};
const ours = 'cluster="prod",namespace="iot-prod"';

describe('alerts', () => {
  test.each(tierNames)('%s: each has its own id, a whole runbook in its text and a page that exists', (tier) => {
    const alerts = alertsOf(environmentFor({ tier }));
    expect(new Set(alerts.map(({ id }) => id)).size).toBe(alerts.length);
    for (const alert of alerts) {
      const path = `docs/runbooks/${alert.runbook}.md`;
      expect(existsSync(at(path)), path).toBe(true);
      const text = documentationOf(alert);
      expect(text).toContain(readFileSync(at(path), 'utf8').trim());
      expect(text).toContain(path);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(documentationLimit);
    }
  });

  test('each page is the runbook of an alert, is on the list, and its links lead somewhere', () => {
    const used = new Set(tierNames.flatMap((tier) => alertsOf(environmentFor({ tier })).map(({ runbook }) => runbook)));
    const list = readFileSync(at('docs/runbooks/README.md'), 'utf8');
    const pages = readdirSync(at('docs/runbooks')).filter((file) => file !== 'README.md');
    expect(pages.map((file) => file.replace(/\.md$/, '')).sort()).toEqual([...used].sort());
    for (const file of pages) {
      expect(list).toContain(`(${file})`);
      const text = readFileSync(at(`docs/runbooks/${file}`), 'utf8');
      for (const part of ['**Means.**', '**Look**', '**Do**']) expect(text, file).toContain(part);
      for (const [, link] of text.matchAll(/\]\((?!https?:)([^)#]+)/g))
        expect(existsSync(at(`docs/runbooks/${link}`)), `${file}: ${link}`).toBe(true);
    }
  });

  test('a missing runbook and one that is too long are named', () => {
    expect(() => documentationOf({ ...alertOf('gateway-full'), runbook: 'nowhere' })).toThrow(/nowhere\.md/);
    expect(() => documentationOf({ ...alertOf('gateway-full'), says: 'x'.repeat(9_000) })).toThrow(
      /alert gateway-full: its text with docs\/runbooks\/gateway-full\.md has \d+ bytes, allowed are 8192/,
    );
  });

  test('no query goes beyond its environment', () => {
    for (const tier of tierNames)
      for (const { id, query } of alertsOf(environmentFor({ tier }))) {
        if (id === 'ca-ends') continue; // The metric knows no environment: the runbook says to look which CA it is.
        // A counter made of log lines has the environment in its name; all others in their matchers.
        for (const [selector] of query.matchAll(/[a-z_:]+\{[^}]*\}/g))
          expect(selector, id).toMatch(new RegExp(`:user_${tier}_|"(iot-)?${tier}"|[":|.?]${tier}[-".]`));
      }
  });

  test('every metric of ours that is asked for is written by a service', () => {
    const sources = readdirSync(at('runtime'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(at(`runtime/${file}`), 'utf8'))
      .join('\n');
    const environment = environmentFor({ tier: 'prod' });
    const queries = [
      ...alertsOf(environment).map(({ query }) => query),
      ...dashboardsOf(environment).flatMap(({ tiles }) =>
        tiles.flatMap(({ lines }) => lines.map(({ query }) => query)),
      ),
    ].join('\n');
    const asked = new Set(
      [...queries.matchAll(/\biot_[a-z_]+(?=\{)/g)].map(([name]) => name.replace(/_(bucket|count)$/, '')),
    );
    expect(asked.size).toBeGreaterThan(12);
    for (const name of asked) expect(sources, name).toContain(`'${name}'`);
  });

  test('thresholds follow the plan, the settings and the tier', () => {
    expect(alertOf('gateway-full').query).toBe(
      `iot_gateway_connections{${ours}} > ${environmentFor({ tier: 'prod' }).plan.connectionsPerGateway * 0.9}`,
    );
    const { maximumConnections } = environmentFor({ tier: 'prod' }).plan.database;
    expect(alertOf('database-connections').query).toMatch(new RegExp(`> ${maximumConnections * 0.8}$`));
    expect(alertOf('server-certificate-ends').query).toBe(
      `min by (pod) (iot_server_certificate_not_after_seconds{${ours}} > 0) - time() < 51840`,
    );
    expect(alertOf('database-disk').query).toBe(
      'max by (database_id) (cloudsql_googleapis_com:database_disk_utilization{monitored_resource="cloudsql_database",database_id=~"iot-prod-1:prod-(core|shard-[0-9]+)-[0-9a-f]{4}"}) > 0.8',
    );
    expect(alertOf('backlog-old').query).toContain(
      'subscription_id=~"prod-telemetry-processor|prod-lifecycle-devices|prod-updates-devices"}) > 300',
    );
  });

  test('an environment whose name begins as another is not asked with it', () => {
    const pattern = /database_id=~"([^"]+)"/.exec(alertOf('database-cpu', { tier: 'dev' }).query)?.[1] ?? '';
    const matches = (id: string) => new RegExp(`^(?:${pattern})$`).test(id);
    expect(matches('iot-dev-1:dev-core-0a1b')).toBe(true);
    expect(matches('iot-dev-1:dev-shard-12-0a1b')).toBe(true);
    expect(matches('iot-dev-1:dev-2-core-0a1b')).toBe(false);
  });

  test('the probe is watched where it runs, over three of its runs, and the API where it has a host', () => {
    const ids = (given: Parameters<typeof environmentFor>[0]) => alertsOf(environmentFor(given)).map(({ id }) => id);
    expect(ids({ tier: 'prod' })).toEqual(expect.arrayContaining(['probe-fails', 'api-unreachable']));
    expect(ids({ tier: 'dev' })).not.toContain('probe-fails');
    expect(ids({ tier: 'dev' })).not.toContain('api-unreachable');
    expect(ids({ tier: 'dev', settings: { domain: 'iot.example.com' } })).toContain('api-unreachable');
    expect(alertOf('probe-fails').query).toContain('[15m]');
    expect(alertOf('probe-fails', { tier: 'prod', settings: { deviceCertificates: 'cas' } }).query).toContain('[3h]');
  });

  test('somebody is called at night for a burning budget in production only', () => {
    for (const tier of tierNames)
      expect(alertOf('availability-fast', { tier }).urgency).toBe(tier === 'prod' ? 'call' : 'today');
    expect(alertOf('availability-slow').urgency).toBe('today');
  });
});

describe('service levels', () => {
  test('a budget burns when both windows are over the rate, for the objective of the tier', () => {
    const [level] = levelsOf(environmentFor({ tier: 'prod' }));
    const [fast] = burns;
    if (level === undefined) throw new Error('no level');
    const good = (window: string) => `sum(rate(iot_gateway_messages_acknowledged_total{${ours}}[${window}]))`;
    const total = (window: string) => `sum(rate(iot_gateway_messages_received_total{${ours},qos!="0"}[${window}]))`;
    expect(burnQuery(level, fast)).toBe(
      `(1 - ${good('1h')} / ${total('1h')}) > 0.0144 and (1 - ${good('5m')} / ${total('5m')}) > 0.0144`,
    );
    expect(burns.map(({ rate, long, short }) => [rate, long, short])).toEqual([
      [14.4, '1h', '5m'],
      [6, '6h', '30m'],
    ]);
  });

  test('a rate times its window is the share of the budget that the text names', () => {
    const hours = { '1h': 1, '6h': 6 } as const;
    const shares = burns.map(({ rate, long }) => (rate * hours[long]) / (28 * 24));
    expect(shares[0]).toBeCloseTo(0.02, 2);
    expect(shares[1]).toBeCloseTo(0.05, 2);
  });

  test.each([
    ['ephemeral', 0.99, 0.95],
    ['dev', 0.99, 0.95],
    ['staging', 0.999, 0.99],
    ['prod', 0.999, 0.99],
  ] as const)('%s: objectives %d and %d', (tier, availability, latency) => {
    expect(levelsOf(environmentFor({ tier })).map(({ id, goal }) => [id, goal])).toEqual([
      ['availability', availability],
      ['ack-latency', latency],
      ['queryable-latency', latency],
    ]);
  });

  test('a limit is a bound of its histogram, or nobody could count what is good', () => {
    const bounds = (file: string, name: string) => {
      const source = readFileSync(at(file), 'utf8');
      const [, list] = /buckets: \[([^\]]+)\]/.exec(source.slice(source.indexOf(name))) ?? [];
      return (list ?? '').split(',').map(Number);
    };
    expect(bounds('runtime/gateway/metrics.ts', 'names.ackSeconds')).toContain(limits.ackSeconds);
    expect(bounds('runtime/processor/metrics.ts', 'names.queryableSeconds')).toContain(limits.queryableSeconds);
    expect(metricNames.gateway.ackSeconds).toBe('iot_gateway_ack_seconds');
  });
});
