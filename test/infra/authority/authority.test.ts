import { describe, expect, test } from 'vitest';
import { Authority } from '../../../infra/authority/authority.ts';
import { Identities } from '../../../infra/identity/identities.ts';
import { type TierName, tierNames } from '../../../infra/tiers.ts';
import { ofType, only, recordComponent } from '../support/component.ts';

const build = (tier: TierName, mode: 'up' | 'preview' = 'up', settings = {}) =>
  recordComponent({ tier, mode, settings }, (environment, options) => {
    const identities = new Identities('identities', { environment }, options);
    const { rootPool, serverPool, devicePool, issuingTemplate } = new Authority(
      'authority',
      { environment, generation: '0a1b', identities },
      options,
    );
    return { rootPool, serverPool, devicePool, issuingTemplate };
  });

const poolType = 'gcp:certificateauthority/caPool:CaPool';
const caType = 'gcp:certificateauthority/authority:Authority';
const grantType = 'gcp:certificateauthority/caPoolIamMember:CaPoolIamMember';
const place = 'projects/iot-prod-1/locations/europe-west1';
const devices = 'serviceAccount:prod-devices@iot-prod-1.iam.gserviceaccount.com';

describe('certificate authorities', () => {
  test.each(tierNames.flatMap((tier) => (['kms', 'cas'] as const).map((by) => [tier, by] as const)))(
    '%s, devices by %s: a preview registers what an up registers',
    async (tier, deviceCertificates) => {
      const [up, preview] = [
        await build(tier, 'up', { deviceCertificates }),
        await build(tier, 'preview', { deviceCertificates }),
      ];
      expect(preview.registrations.map(({ urn }) => urn)).toEqual(up.registrations.map(({ urn }) => urn));
    },
  );

  test.each([
    ['ephemeral', 'DEVOPS', false, true, false, '31536000s'],
    ['dev', 'DEVOPS', false, true, false, '157680000s'],
    ['staging', 'ENTERPRISE', true, false, true, '315360000s'],
    ['prod', 'ENTERPRISE', true, false, true, '315360000s'],
  ] as const)(
    '%s: root in %s, revocation list %s, deletable at once %s, protected %s',
    async (tier, caTier, crl, skips, kept, life) => {
      const recording = await build(tier);
      const pool = only(recording, poolType, 'authority-root-pool');
      expect(pool.inputs).toMatchObject({
        name: `${tier}-root-0a1b`,
        tier: caTier,
        publishingOptions: { publishCaCert: true, publishCrl: crl, encodingFormat: 'DER' },
        deletionPolicy: kept ? 'PREVENT' : 'DELETE',
      });
      expect(pool.protect).toBe(kept);
      const ca = only(recording, caType, 'authority-root-ca');
      expect(ca.inputs).toMatchObject({
        certificateAuthorityId: `${tier}-root-0a1b`,
        type: 'SELF_SIGNED',
        lifetime: life,
        desiredState: 'ENABLED',
        keySpec: { algorithm: 'EC_P256_SHA256' },
        skipGracePeriod: skips,
        ignoreActiveCertificatesOnDeletion: skips,
        deletionProtection: kept,
        deletionPolicy: kept ? 'PREVENT' : 'DELETE',
      });
      expect(ca.protect).toBe(kept);
    },
  );

  test('dropping the protection changes only flags: the CA and its pool stay the same', async () => {
    const [on, off] = [await build('prod'), await build('prod', 'up', { protection: 'off' })];
    const lasting = ({ inputs }: { inputs: Readonly<Record<string, unknown>> }) => {
      const { deletionPolicy, deletionProtection, skipGracePeriod, ignoreActiveCertificatesOnDeletion, ...rest } =
        inputs;
      return { rest, flags: [deletionPolicy, deletionProtection, skipGracePeriod, ignoreActiveCertificatesOnDeletion] };
    };
    const [before, after] = [on, off].map((recording) => lasting(only(recording, caType, 'authority-root-ca')));
    expect(after?.rest).toEqual(before?.rest);
    expect(before?.flags).toEqual(['PREVENT', true, false, false]);
    expect(after?.flags).toEqual(['DELETE', false, true, true]);
  });

  test('the server CA is signed by the root, below it nothing but servers, for their purpose alone', async () => {
    const recording = await build('prod');
    expect(only(recording, caType, 'authority-servers-ca').inputs).toMatchObject({
      type: 'SUBORDINATE',
      pool: 'prod-servers-0a1b',
      subordinateConfig: {
        certificateAuthority: `${place}/caPools/prod-root-0a1b/certificateAuthorities/prod-root-0a1b`,
      },
      config: {
        x509Config: {
          caOptions: { isCa: true, zeroMaxIssuerPathLength: true },
          keyUsage: { baseKeyUsage: { certSign: true, crlSign: true }, extendedKeyUsage: { serverAuth: true } },
        },
      },
    });
    const root = only(recording, caType, 'authority-root-ca').inputs as { config: { x509Config: object } };
    expect(root.config.x509Config).toMatchObject({ caOptions: { isCa: true, maxIssuerPathLength: 1 } });
  });

  test.each([
    ['prod', ['mqtt.prod.iot.example.com', 'est.prod.iot.example.com']],
    ['dev', ['gateway.iot-dev.svc']],
  ] as const)(
    '%s: servers get hours, for %s only, with a P-256 key and a request that proves it',
    async (tier, hosts) => {
      const pool = only(await build(tier), poolType, 'authority-servers-pool');
      expect(pool.inputs).toMatchObject({
        tier: 'DEVOPS',
        issuancePolicy: {
          allowedKeyTypes: [{ ellipticCurve: { signatureAlgorithm: 'ECDSA_P256' } }],
          allowedIssuanceModes: { allowCsrBasedIssuance: true, allowConfigBasedIssuance: false },
          baselineValues: {
            caOptions: { isCa: false, nonCa: true },
            keyUsage: { baseKeyUsage: { digitalSignature: true }, extendedKeyUsage: { serverAuth: true } },
          },
          identityConstraints: {
            celExpression: {
              expression: `subject_alt_names.size() > 0 && subject_alt_names.all(san, san.type == DNS && (${hosts
                .map((host) => `san.value == "${host}"`)
                .join(' || ')}))`,
            },
          },
          maximumLifetime: '259200s',
        },
      });
    },
  );

  test('the root signs CAs for the devices service by one template only', async () => {
    const recording = await build('prod');
    expect(ofType(recording, grantType).map(({ name, inputs }) => ({ name, ...inputs }))).toEqual([
      {
        name: 'authority-root-devices',
        caPool: `${place}/caPools/prod-root-0a1b`,
        role: 'roles/privateca.certificateRequester',
        member: devices,
        condition: {
          title: 'issuing CA only',
          expression: 'api.getAttribute("privateca.googleapis.com/template", "") == "iot-prod-1/-/prod-issuing-ca"',
        },
      },
      {
        // For EST, which an environment with a domain has.
        name: 'authority-servers-api',
        caPool: `${place}/caPools/prod-servers-0a1b`,
        role: 'roles/privateca.certificateRequester',
        member: 'serviceAccount:prod-api@iot-prod-1.iam.gserviceaccount.com',
      },
      {
        name: 'authority-servers-gateway',
        caPool: `${place}/caPools/prod-servers-0a1b`,
        role: 'roles/privateca.certificateRequester',
        member: 'serviceAccount:prod-gateway@iot-prod-1.iam.gserviceaccount.com',
      },
    ]);
    expect(only(recording, 'gcp:certificateauthority/certificateTemplate:CertificateTemplate').inputs).toMatchObject({
      name: 'prod-issuing-ca',
      predefinedValues: {
        caOptions: { isCa: true, zeroMaxIssuerPathLength: true },
        keyUsage: { baseKeyUsage: { certSign: true, crlSign: true }, extendedKeyUsage: { clientAuth: true } },
      },
      identityConstraints: { allowSubjectPassthrough: true, allowSubjectAltNamesPassthrough: false },
      // Left out, or empty, every extension of the request is taken over.
      passthroughExtensions: { knownExtensions: ['BASE_KEY_USAGE'] },
    });
    expect(
      only(recording, 'gcp:certificateauthority/certificateTemplateIamMember:CertificateTemplateIamMember').inputs,
    ).toMatchObject({ role: 'roles/privateca.templateUser', member: devices });
  });

  test('without CAS for devices there is no pool for them; with it as many CAs as the plan says, by Enterprise', async () => {
    const kms = await build('prod');
    expect(kms.outputs['devicePool']).toBeNull();
    expect(ofType(kms, poolType)).toHaveLength(2);
    const cas = await build('dev', 'up', { deviceCertificates: 'cas' });
    expect(only(cas, poolType, 'authority-devices-pool').inputs).toMatchObject({
      tier: 'ENTERPRISE',
      issuancePolicy: {
        allowedIssuanceModes: { allowCsrBasedIssuance: false, allowConfigBasedIssuance: true },
        baselineValues: { caOptions: { nonCa: true }, keyUsage: { extendedKeyUsage: { clientAuth: true } } },
        identityConstraints: {
          celExpression: { expression: expect.stringContaining('san.type == URI && san.value.startsWith("urn:iot:")') },
        },
      },
    });
    expect(ofType(cas, caType).map(({ name }) => name)).toContain('authority-devices-1-ca');
    expect(only(cas, grantType, 'authority-devices-devices').inputs['caPool']).toBe(
      'projects/iot-dev-1/locations/europe-west1/caPools/dev-devices-0a1b',
    );
  });

  test('with CAS for devices the devices service has no way to the root', async () => {
    const cas = await build('prod', 'up', { deviceCertificates: 'cas' });
    expect(ofType(cas, grantType).map(({ name }) => name)).toEqual([
      'authority-devices-devices',
      'authority-servers-api',
      'authority-servers-gateway',
    ]);
    expect(ofType(cas, 'gcp:certificateauthority/certificateTemplate:CertificateTemplate')).toEqual([]);
  });

  test('pools are named to others in full, once they sign and are granted', async () => {
    expect((await build('prod')).outputs).toEqual({
      rootPool: `${place}/caPools/prod-root-0a1b`,
      serverPool: `${place}/caPools/prod-servers-0a1b`,
      devicePool: null,
      issuingTemplate: `${place}/certificateTemplates/prod-issuing-ca`,
    });
  });
});
