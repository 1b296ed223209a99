import { describe, expect, test } from 'vitest';
import { secretNames } from '../../../infra/access.ts';
import { Identities } from '../../../infra/identity/identities.ts';
import { Secrets } from '../../../infra/secrets/secrets.ts';
import { type TierName, tierNames } from '../../../infra/tiers.ts';
import { ofType, only, recordComponent } from '../support/component.ts';

const administrators = ['user:ann@example.com', 'group:ops@example.com'];
const build = (tier: TierName, mode: 'up' | 'preview' = 'up') =>
  recordComponent({ tier, mode, settings: { administrators } }, (environment, options) => {
    const identities = new Identities('identities', { environment }, options);
    return { names: new Secrets('secrets', { environment, identities }, options).names };
  });

describe('secrets', () => {
  test.each(tierNames)('%s: a preview registers what an up registers, with every input known', async (tier) => {
    const [up, preview] = [await build(tier), await build(tier, 'preview')];
    const seen = (recording: typeof up) =>
      recording.registrations
        .filter(({ type }) => type.includes('secretmanager'))
        .map(({ urn, inputs }) => ({ urn, inputs }));
    expect(seen(preview)).toEqual(seen(up));
  });

  test('no value of a secret is in the program', async () => {
    const recording = await build('prod');
    expect(recording.registrations.filter(({ type }) => /secretVersion/i.test(type))).toEqual([]);
    const names = (recording.outputs as { names: Record<string, string> }).names;
    expect(Object.keys(names)).toEqual(secretNames);
    expect(names['issuer-keys']).toBe('projects/iot-prod-1/secrets/prod-issuer-keys');
  });

  test.each([
    ['dev', false, 'DELETE'],
    ['prod', true, 'PREVENT'],
  ] as const)('%s: kept in the region, protected: %s', async (tier, kept, policy) => {
    const secret = only(await build(tier), 'gcp:secretmanager/secret:Secret', 'secrets-issuer-keys');
    expect(secret.inputs).toEqual({
      secretId: `${tier}-issuer-keys`,
      replication: { userManaged: { replicas: [{ location: 'europe-west1' }] } },
      versionDestroyTtl: '604800s',
      deletionPolicy: policy,
      deletionProtection: kept,
    });
    expect(secret.protect).toBe(kept);
  });

  test('the api reads and adds its keys, administrators read the one-time code that it adds, and nobody else either', async () => {
    const grants = ofType(await build('prod'), 'gcp:secretmanager/secretIamMember:SecretIamMember')
      .map(({ inputs }) => `${inputs['secretId']} ${inputs['role']} ${inputs['member']}`)
      .filter((line) => /^prod-(issuer-keys|first-administrator) /.test(line));
    const api = 'serviceAccount:prod-api@iot-prod-1.iam.gserviceaccount.com';
    expect(grants.sort()).toEqual(
      [
        `prod-first-administrator roles/secretmanager.secretAccessor group:ops@example.com`,
        `prod-first-administrator roles/secretmanager.secretAccessor user:ann@example.com`,
        `prod-first-administrator roles/secretmanager.secretVersionAdder ${api}`,
        `prod-issuer-keys roles/secretmanager.secretAccessor ${api}`,
        `prod-issuer-keys roles/secretmanager.secretVersionAdder ${api}`,
      ].sort(),
    );
  });

  test('the secret of session tickets is for the gateway’s account alone', async () => {
    const grants = ofType(await build('prod'), 'gcp:secretmanager/secretIamMember:SecretIamMember')
      .filter(({ inputs }) => inputs['secretId'] === 'prod-session-tickets')
      .map(({ inputs }) => `${inputs['role']} ${inputs['member']}`);
    const gateway = 'serviceAccount:prod-gateway@iot-prod-1.iam.gserviceaccount.com';
    expect(grants.sort()).toEqual([
      `roles/secretmanager.secretAccessor ${gateway}`,
      `roles/secretmanager.secretVersionAdder ${gateway}`,
    ]);
  });

  test('a grant comes after its secret and its account', async () => {
    for (const { inputs, dependencies } of ofType(
      await build('prod'),
      'gcp:secretmanager/secretIamMember:SecretIamMember',
    )) {
      expect(dependencies.some((urn) => urn.includes('secretmanager/secret:Secret'))).toBe(true);
      if (String(inputs['member']).startsWith('serviceAccount:'))
        expect(dependencies.some((urn) => urn.includes('serviceaccount/account:Account'))).toBe(true);
    }
  });
});
