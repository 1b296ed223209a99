import type * as pulumi from '@pulumi/pulumi';
import { describe, expect, test } from 'vitest';
import { Edge } from '../../../infra/edge/edge.ts';
import { armorRules } from '../../../infra/edge/firewall.ts';
import { apiHostOf, edgeNames, mqttHostOf, publicUrlOf, serverNamesOf } from '../../../infra/edge/names.ts';
import { Routes } from '../../../infra/edge/routes.ts';
import type { Environment } from '../../../infra/environment.ts';
import type { Recording, Registration } from '../../../infra/recording/record.ts';
import { type ComponentGiven, ofType, only, recordComponent } from '../support/component.ts';
import { needsOf } from '../workloads/needs.ts';

const edgeOf = (environment: Environment, options: pulumi.ComponentResourceOptions) =>
  new Edge('edge', { environment, after: [] }, options);

const recordEdge = (given: ComponentGiven) =>
  recordComponent(given, (environment, options) => ({ nameServers: edgeOf(environment, options).nameServers }));

const recordRoutes = (given: ComponentGiven) =>
  recordComponent(given, (environment, options) => {
    const edge = edgeOf(environment, options);
    const { cluster, messaging } = needsOf(environment, options);
    new Routes('routes', { environment, cluster, edge, namespace: 'iot-prod', after: [messaging] }, options);
    return {};
  });

// biome-ignore lint/suspicious/noExplicitAny: recorded inputs are JSON.
const inputs = (registration: Registration): any => registration.inputs;
const record = 'gcp:dns/recordSet:RecordSet';
const urns = ({ registrations }: Recording) => registrations.map(({ urn }) => urn);

describe('with a domain', () => {
  test('devices and people have a name, and both addresses outlive everything', async () => {
    const recording = await recordEdge({ tier: 'prod' });
    const records = ofType(recording, record).map((each) => {
      const { name, type, rrdatas, managedZone } = inputs(each);
      return [name, type, rrdatas, managedZone];
    });
    expect(records.sort()).toEqual([
      ['_acme-challenge.api.prod.iot.example.com.', 'CNAME', [expect.stringMatching(/goog\.$/)], 'prod-public'],
      ['api.prod.iot.example.com.', 'A', ['203.0.113.20'], 'prod-public'],
      ['est.prod.iot.example.com.', 'A', ['203.0.113.10'], 'prod-public'],
      ['mqtt.prod.iot.example.com.', 'A', ['203.0.113.10'], 'prod-public'],
      [
        'prod.iot.example.com.',
        'CAA',
        ['0 issue "letsencrypt.org"', '0 issue "pki.goog"', '0 issuewild ";"'],
        'prod-public',
      ],
    ]);
    const guarded = recording.registrations.filter(({ protect }) => protect).map(({ name }) => name);
    expect(guarded.sort()).toEqual([
      'edge-api',
      'edge-dns-api',
      'edge-dns-caa',
      'edge-dns-est',
      'edge-dns-mqtt',
      'edge-dns-zone',
      'edge-est',
      'edge-mqtt',
    ]);
    for (const name of guarded) {
      const [found] = recording.registrations.filter((each) => each.name === name);
      expect(found?.inputs, name).toMatchObject({ deletionPolicy: 'PREVENT' });
    }
  });

  test('the zone is signed, logged, and in a deletable tier deletable with what is in it', async () => {
    const type = 'gcp:dns/managedZone:ManagedZone';
    expect(only(await recordEdge({ tier: 'prod' }), type).inputs).toMatchObject({
      dnsName: 'prod.iot.example.com.',
      dnssecConfig: { state: 'on' },
      cloudLoggingConfig: { enableLogging: true },
      forceDestroy: false,
      deletionPolicy: 'PREVENT',
    });
    const dev = only(await recordEdge({ tier: 'dev', settings: { domain: 'dev.example.com' } }), type);
    expect(dev.inputs).toMatchObject({ forceDestroy: true, deletionPolicy: 'DELETE' });
    expect(dev.protect).toBe(false);
  });

  test('a zone that the project has gets the records; none is made', async () => {
    const recording = await recordEdge({ tier: 'prod', settings: { dnsZone: 'company-iot' } });
    expect(ofType(recording, 'gcp:dns/managedZone:ManagedZone')).toEqual([]);
    expect(new Set(ofType(recording, record).map((each) => inputs(each).managedZone))).toEqual(
      new Set(['company-iot']),
    );
    expect(recording.outputs['nameServers']).toBeNull();
  });

  test('the certificate is proved by DNS and found by the load balancer', async () => {
    const recording = await recordEdge({ tier: 'prod' });
    const certificate = only(recording, 'gcp:certificatemanager/certificate:Certificate');
    expect(inputs(certificate).managed).toEqual({
      domains: ['api.prod.iot.example.com'],
      dnsAuthorizations: ['projects/iot-prod-1/locations/global/dnsAuthorizations/prod-api'],
    });
    expect(certificate.dependencies).toContain(only(recording, record, 'edge-https-proof-record').urn);
    expect(inputs(only(recording, 'gcp:certificatemanager/certificateMapEntry:CertificateMapEntry'))).toMatchObject({
      map: 'prod-api',
      hostname: 'api.prod.iot.example.com',
    });
    expect(inputs(only(recording, 'gcp:compute/sSLPolicy:SSLPolicy'))).toMatchObject({
      profile: 'MODERN',
      minTlsVersion: 'TLS_1_2',
    });
  });

  test('a preview registers what an up registers', async () => {
    expect(urns(await recordRoutes({ tier: 'prod', mode: 'preview' }))).toEqual(
      urns(await recordRoutes({ tier: 'prod' })),
    );
  });
});

describe('Cloud Armor', () => {
  const type = 'gcp:compute/securityPolicy:SecurityPolicy';

  test('judges what comes, counts what it lets through, and refuses the rest', async () => {
    const { rules, adaptiveProtectionConfig, advancedOptionsConfig } = inputs(
      only(await recordEdge({ tier: 'prod' }), type),
    );
    expect(rules).toHaveLength(armorRules().length);
    expect(adaptiveProtectionConfig.layer7DdosDefenseConfig.enable).toBe(true);
    expect(advancedOptionsConfig.jsonParsing).toBe('STANDARD');
    const byPriority = [...armorRules()].sort((a, b) => a.priority - b.priority);
    expect(new Set(byPriority.map(({ priority }) => priority)).size).toBe(byPriority.length);
    const actions = byPriority.map(({ action }) => action);
    expect(actions.slice(0, -2).every((action) => action === 'deny(403)')).toBe(true);
    expect(actions.slice(-2)).toEqual(['throttle', 'deny(403)']);
    expect(byPriority.at(-2)?.rateLimitOptions).toMatchObject({ exceedAction: 'deny(429)', enforceOnKey: 'IP' });
    // Every policy has this one, and Google makes an open one where it is missing.
    expect(byPriority.at(-1)?.priority).toBe(2_147_483_647);
    const sets = byPriority.flatMap(({ match }) => ('expr' in match ? [match.expr.expression] : []));
    expect(sets).toContain("evaluatePreconfiguredWaf('sqli-v33-stable', {'sensitivity': 1})");
    // https://cloud.google.com/armor/quotas: rules with advanced match conditions a policy.
    expect(sets.length).toBeLessThanOrEqual(20);
  });

  test('is not there when hardening is loosened, and nothing refers to it', async () => {
    const recording = await recordRoutes({ tier: 'prod', settings: { hardening: { 'edge.cloudArmor': false } } });
    expect(ofType(recording, type)).toEqual([]);
    const backend = only(recording, 'kubernetes:networking.gke.io/v1:GCPBackendPolicy');
    expect(inputs(backend).spec.default).not.toHaveProperty('securityPolicy');
  });
});

describe('routes', () => {
  const kind = (recording: Recording, name: string) =>
    inputs(
      only(
        recording,
        `kubernetes:${name.startsWith('GCP') || name === 'HealthCheckPolicy' ? 'networking.gke.io' : 'gateway.networking.k8s.io'}/v1:${name}`,
      ),
    );

  test('the gateway has the address, the certificates and the policies that the edge made', async () => {
    const recording = await recordRoutes({ tier: 'prod' });
    const gateway = kind(recording, 'Gateway');
    expect(gateway.metadata.annotations).toEqual({ 'networking.gke.io/certmap': 'prod-api' });
    expect(gateway.spec).toMatchObject({
      gatewayClassName: 'gke-l7-global-external-managed',
      addresses: [{ type: 'NamedAddress', value: 'prod-api' }],
      listeners: [
        { name: 'https', protocol: 'HTTPS', port: 443, hostname: 'api.prod.iot.example.com' },
        { name: 'http', protocol: 'HTTP', port: 80 },
      ],
    });
    const made = (type: string) => inputs(only(recording, type)).name;
    expect(made('gcp:compute/globalAddress:GlobalAddress')).toBe(gateway.spec.addresses[0].value);
    expect(made('gcp:certificatemanager/certificateMap:CertificateMap')).toBe('prod-api');
    expect(kind(recording, 'GCPGatewayPolicy').spec.default.sslPolicy).toBe(made('gcp:compute/sSLPolicy:SSLPolicy'));
    expect(kind(recording, 'GCPBackendPolicy').spec.default.securityPolicy).toBe(
      made('gcp:compute/securityPolicy:SecurityPolicy'),
    );
  });

  test('plain HTTP only leads to HTTPS', async () => {
    const recording = await recordRoutes({ tier: 'prod' });
    const routes = ofType(recording, 'kubernetes:gateway.networking.k8s.io/v1:HTTPRoute').map(
      (each) => inputs(each).spec,
    );
    const of = (listener: string) => routes.filter(({ parentRefs }) => parentRefs[0].sectionName === listener);
    expect(of('https')).toMatchObject([{ rules: [{ backendRefs: [{ name: 'api', port: 8080 }] }] }]);
    expect(of('http')).toMatchObject([
      { rules: [{ filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 301 } }] }] },
    ]);
    expect(of('http')[0].rules[0]).not.toHaveProperty('backendRefs');
  });

  test('a pod is asked for readiness on its own port, and ends before its requests are cut', async () => {
    const recording = await recordRoutes({ tier: 'prod' });
    expect(kind(recording, 'HealthCheckPolicy').spec.default.config).toEqual({
      type: 'HTTP',
      httpHealthCheck: { portSpecification: 'USE_FIXED_PORT', port: 9090, requestPath: '/readyz' },
    });
    expect(kind(recording, 'GCPBackendPolicy').spec.default).toMatchObject({
      timeoutSec: 3_600,
      connectionDraining: { drainingTimeoutSec: 30 },
      logging: { enabled: true },
    });
  });

  test('the load balancer goes before the cluster, the address and the certificate', async () => {
    const recording = await recordRoutes({ tier: 'prod' });
    const gateway = only(recording, 'kubernetes:gateway.networking.k8s.io/v1:Gateway');
    expect(gateway.deletedWith).toBeNull();
    const edge = ['gcp:compute/globalAddress:GlobalAddress', 'gcp:certificatemanager/certificateMap:CertificateMap'];
    for (const type of edge) expect(gateway.dependencies).toContain(only(recording, type).urn);
    for (const route of ofType(recording, 'kubernetes:gateway.networking.k8s.io/v1:HTTPRoute')) {
      expect(route.deletedWith).toBeNull();
      expect(route.dependencies).toContain(gateway.urn);
    }
  });
});

test('without a domain: an address for devices, and no way in to the API', async () => {
  const recording = await recordRoutes({ tier: 'dev' });
  expect(recording.registrations.filter(({ type }) => type.startsWith('gcp:')).map(({ type }) => type)).toEqual(
    expect.not.arrayContaining(['gcp:compute/globalAddress:GlobalAddress', record]),
  );
  expect(inputs(only(recording, 'gcp:compute/address:Address'))).toMatchObject({
    name: 'dev-mqtt',
    region: 'europe-west1',
  });
  expect(recording.registrations.filter(({ type }) => /gateway\.networking|networking\.gke/.test(type))).toEqual([]);
});

test('names are literals that follow from the environment', () => {
  const prod = { name: 'prod', domain: 'iot.example.com' };
  expect([mqttHostOf(prod), apiHostOf(prod), publicUrlOf(prod), serverNamesOf(prod)]).toEqual([
    'mqtt.iot.example.com',
    'api.iot.example.com',
    'https://api.iot.example.com',
    ['mqtt.iot.example.com'],
  ]);
  const dev = { name: 'dev', domain: null };
  expect([mqttHostOf(dev), apiHostOf(dev), publicUrlOf(dev), serverNamesOf(dev)]).toEqual([
    null,
    null,
    'http://localhost:8080',
    ['gateway.iot-dev.svc'],
  ]);
  expect(edgeNames(dev)).toMatchObject({ mqttAddress: 'dev-mqtt', apiAddress: 'dev-api' });
});
