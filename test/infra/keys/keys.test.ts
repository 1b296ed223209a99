import { describe, expect, test } from 'vitest';
import { Identities } from '../../../infra/identity/identities.ts';
import { Keys } from '../../../infra/keys/keys.ts';
import { type TierName, tierNames } from '../../../infra/tiers.ts';
import { ofType, only, recordComponent } from '../support/component.ts';

const agent = 'serviceAccount:service-123456789012@container-engine-robot.iam.gserviceaccount.com';
const build = (tier: TierName, mode: 'up' | 'preview' = 'up', settings = {}) =>
  recordComponent({ tier, mode, settings }, (environment, options) => {
    const identities = new Identities('identities', { environment }, options);
    const keys = new Keys('keys', { environment, generation: '0a1b', identities, clusterAgent: agent }, options);
    return { clusterSecrets: keys.clusterSecrets, issuingKey: keys.issuingKey, firmwareKey: keys.firmwareKey };
  });

const ring = 'projects/iot-prod-1/locations/europe-west1/keyRings/prod-0a1b';

describe('keys', () => {
  test.each(tierNames)('%s: a preview registers what an up registers', async (tier) => {
    const [up, preview] = [await build(tier), await build(tier, 'preview')];
    expect(preview.registrations.map(({ urn }) => urn)).toEqual(up.registrations.map(({ urn }) => urn));
  });

  test('the ring carries the generation, because Google never frees its name', async () => {
    expect(only(await build('prod'), 'gcp:kms/keyRing:KeyRing').inputs).toEqual({
      name: 'prod-0a1b',
      location: 'europe-west1',
    });
  });

  test.each([
    ['ephemeral', 'SOFTWARE', '86400s', false, 'DELETE'],
    ['dev', 'SOFTWARE', '86400s', false, 'DELETE'],
    ['staging', 'HSM', '2592000s', true, 'PREVENT'],
    ['prod', 'HSM', '2592000s', true, 'PREVENT'],
  ] as const)('%s: signing keys are %s and can be restored for %s', async (tier, level, duration, protect, policy) => {
    const recording = await build(tier);
    for (const name of ['keys-issuing-ca', 'keys-firmware']) {
      const key = only(recording, 'gcp:kms/cryptoKey:CryptoKey', name);
      expect(key.inputs).toMatchObject({
        purpose: 'ASYMMETRIC_SIGN',
        versionTemplate: { algorithm: 'EC_SIGN_P256_SHA256', protectionLevel: level },
        destroyScheduledDuration: duration,
        deletionPolicy: policy,
      });
      expect(key.protect).toBe(protect);
    }
  });

  test('dropping the protection replaces no key: what is fixed at creation stays', async () => {
    const off = only(
      await build('prod', 'up', { protection: 'off' }),
      'gcp:kms/cryptoKey:CryptoKey',
      'keys-issuing-ca',
    );
    expect(off.protect).toBe(false);
    expect(off.inputs).toMatchObject({ deletionPolicy: 'DELETE', destroyScheduledDuration: '2592000s' });
  });

  test('the key of Kubernetes secrets turns every 90 days, and only the cluster agent may use it', async () => {
    const recording = await build('prod');
    expect(only(recording, 'gcp:kms/cryptoKey:CryptoKey', 'keys-cluster-secrets').inputs).toMatchObject({
      purpose: 'ENCRYPT_DECRYPT',
      rotationPeriod: '7776000s',
    });
    const users = ofType(recording, 'gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember').filter(
      ({ inputs }) => inputs['cryptoKeyId'] === `${ring}/cryptoKeys/cluster-secrets`,
    );
    expect(users.map(({ inputs }) => [inputs['role'], inputs['member']])).toEqual([
      ['roles/cloudkms.cryptoKeyEncrypterDecrypter', agent],
    ]);
  });

  test('only the devices service signs, with either signing key, and it manages none', async () => {
    const grants = ofType(await build('prod'), 'gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember')
      .map(({ inputs }) => `${inputs['cryptoKeyId']} ${inputs['role']} ${inputs['member']}`)
      .filter((line) => !line.includes('cluster-secrets'));
    const devices = 'serviceAccount:prod-devices@iot-prod-1.iam.gserviceaccount.com';
    expect(grants.sort()).toEqual(
      ['firmware', 'issuing-ca'].flatMap((key) => [
        `${ring}/cryptoKeys/${key} roles/cloudkms.publicKeyViewer ${devices}`,
        `${ring}/cryptoKeys/${key} roles/cloudkms.signer ${devices}`,
      ]),
    );
  });

  test('a key is named to others as a version, once it may be used', async () => {
    expect((await build('prod')).outputs).toEqual({
      clusterSecrets: `${ring}/cryptoKeys/cluster-secrets`,
      issuingKey: `${ring}/cryptoKeys/issuing-ca/cryptoKeyVersions/1`,
      firmwareKey: `${ring}/cryptoKeys/firmware/cryptoKeyVersions/1`,
    });
  });
});
