import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageNames } from '../../../infra/images/names.ts';
import { Engine, findPlugin, findPulumi, missingPulumi } from './pulumi.ts';

const pulumi = findPulumi();
const google = findPlugin('gcp');
const missing = [
  ...(pulumi === undefined ? [missingPulumi] : []),
  ...(google === undefined ? ['no pulumi-resource-gcp on PATH or under PULUMI_HOME/plugins'] : []),
].join('; ');

const images = Object.fromEntries(
  imageNames.map((name) => [name, `registry.example.com/iot/${name}@sha256:${'1'.repeat(64)}`]),
);
const common = { project: 'fake-project-1', region: 'europe-west1', pushImages: false, images };
const named = {
  domain: 'iot.example.com',
  administrators: ['group:operations@example.com'],
  alertEmails: ['ops@example.com'],
};
const environments = {
  ephemeral: { tier: 'ephemeral', devices: 50 },
  dev: { tier: 'dev', devices: 1000 },
  staging: { tier: 'staging', devices: 5000, clusterMode: 'standard', ...named },
  prod: {
    tier: 'prod',
    devices: 55_000,
    deviceCertificates: 'cas',
    ci: { repository: 'acme/iot', branch: 'main' },
    budget: { billingAccount: '012345-6789AB-CDEF01', monthly: 6000, currency: 'USD' },
    ...named,
  },
};

/**
 * Google's real provider judges every input of every tier: what it requires, what excludes what, enums and forms. A preview
 * needs no network, only some token.
 */
describe.skipIf(missing !== '')(
  `previews with the real Google provider${missing === '' ? '' : ` (${missing})`}`,
  () => {
    let engine: Engine;
    beforeAll(async () => {
      process.env['GOOGLE_OAUTH_ACCESS_TOKEN'] = 'a preview asks nobody';
      process.env['PULUMI_GCP_SKIP_REGION_VALIDATION'] = 'true';
      engine = await Engine.create(pulumi as string, ['kubernetes', 'random', 'command'], google as string);
    }, 60_000);
    afterAll(() => engine?.end());

    test.each(Object.entries(environments))(
      '%s',
      async (name, settings) => {
        await engine.init(name, { ...common, ...settings });
        const { code, stdout, stderr } = await engine.run(name, 'preview', '--suppress-progress');
        const warnings = `${stdout}${stderr}`.split('\n').filter((line) => /warning:/.test(line));
        // Our own providers' versions aside, the provider has nothing to say.
        expect(warnings.filter((line) => !/resource plugin|from \$PATH/.test(line))).toEqual([]);
        expect(`${stdout}${stderr}`).not.toMatch(/error:/);
        expect(code).toBe(0);
      },
      300_000,
    );

    test('a value that it does not take is refused by name', async () => {
      await engine.init('wrong', { ...common, tier: 'dev', devices: 10 });
      await engine.edit('infra/network/network.ts', "routingMode: 'REGIONAL'", "routingMode: 'SIDEWAYS'");
      const { code, stdout, stderr } = await engine.run('wrong', 'preview', '--suppress-progress');
      expect(code).not.toBe(0);
      expect(`${stdout}${stderr}`).toMatch(/SIDEWAYS/);
    }, 300_000);
  },
);
