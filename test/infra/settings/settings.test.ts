import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { declaredSettings, engineText } from '../../../infra/settings/declared.ts';
import { environmentOf } from '../../../infra/settings/environment.ts';
import { readStackSettings } from '../../../infra/settings/read.ts';
import { readProjectFile, readStackFile, stackNames } from '../../../infra/settings/stack-file.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const project = readProjectFile(root);
const typed = Object.entries(project.config).filter(([key]) => !key.includes(':'));

/** A stack's config as the engine makes it: its own values, and each default of Pulumi.yaml. */
const engine = (own: Record<string, unknown>): Record<string, string> => ({
  'pulumi:disable-default-providers': '["*"]',
  ...Object.fromEntries(
    typed
      .filter(([, { default: fallback }]) => fallback !== undefined)
      .map(([key, { default: fallback }]) => [`iot-platform:${key}`, engineText(fallback)]),
  ),
  ...Object.fromEntries(Object.entries(own).map(([key, value]) => [`iot-platform:${key}`, engineText(value)])),
});
const read = (own: Record<string, unknown>) => readStackSettings('s', 'iot-platform', engine(own));
const least = { tier: 'dev', project: 'iot-dev-1', region: 'europe-west1' };
const lane = { program: 'preview', project: 'iot-dev-1', region: 'europe-west1', environment: 'dev' };

test("the packs' own namespace is theirs, and no other passes unread", () => {
  const config = { ...engine(least), 'policies:exemptions': '[]' };
  expect(readStackSettings('s', 'iot-platform', config)).toMatchObject(least);
  expect(() => readStackSettings('s', 'iot-platform', { ...config, 'gcp:project': 'x' })).toThrow(/gcp:project is set/);
});

describe('Pulumi.yaml and the schemas', () => {
  test('declare the same keys with the same types and defaults', () => {
    const file = typed.map(([key, entry]) => ({
      key,
      type: entry.type,
      items: entry.items?.type,
      default: entry.default,
    }));
    const schemas = [...declaredSettings().values()].map(({ key, type, items, default: fallback }) => ({
      key,
      type,
      items,
      default: fallback,
    }));
    const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1);
    expect(file.sort(byKey)).toEqual(schemas.sort(byKey));
  });

  test('every key has a description', () => {
    expect(typed.filter(([, { description }]) => (description ?? '').length < 10)).toEqual([]);
  });

  test('only what both programs need has no default: the engine refuses any stack that lacks one', () => {
    expect(typed.filter(([, entry]) => entry.default === undefined).map(([key]) => key)).toEqual(['project', 'region']);
  });
});

describe('reading what the engine gives', () => {
  test('defaults of the other program and values that mean not set are left out', () => {
    expect(read(least)).toMatchObject({ program: 'environment', tier: 'dev', devices: 1_000, dnsZone: 'create' });
    expect(Object.keys(read(least))).not.toEqual(expect.arrayContaining(['domain']));
    for (const key of ['shards', 'domain', 'budget', 'ci', 'oidc', 'renderKubernetesTo', 'leaseHours', 'environment'])
      expect(read(least)).not.toHaveProperty(key);
    expect(read(lane)).toEqual({
      program: 'preview',
      project: 'iot-dev-1',
      region: 'europe-west1',
      owner: 'platform',
      environment: 'dev',
      branch: 'main',
      leaseHours: 24,
      simulatedDevices: 20,
      images: {},
      pushImages: true,
    });
  });

  test('values reach the program with their types', () => {
    expect(
      read({
        ...least,
        shards: 3,
        pushImages: false,
        alertEmails: ['a@example.com'],
        budget: { billingAccount: '012345-6789AB-CDEF01', monthly: 10 },
        hardening: { 'edge.cloudArmor': false },
      }),
    ).toMatchObject({
      shards: 3,
      pushImages: false,
      alertEmails: ['a@example.com'],
      budget: { monthly: 10, currency: 'USD' },
      hardening: { 'edge.cloudArmor': false },
    });
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['a tier that was forgotten', { ...least, tier: '' }, /tier is not set: allowed is ephemeral, dev, staging, prod/],
    [
      'an unknown tier',
      { ...least, tier: 'production' },
      /tier is 'production': allowed is ephemeral, dev, staging, prod/,
    ],
    ['an impossible region', { ...least, region: 'mars-1' }, /region is 'mars-1': allowed is one of africa-south1, /],
    ['a fleet beyond bounds', { ...least, devices: 2_000_001 }, /devices is '2000001': allowed is 1 to 2000000/],
    ['a whole number in words', { ...least, devices: 'many' }, /devices is 'many': allowed is a whole number/],
    ['an unknown key', { ...least, devicez: 1 }, /devicez is not a setting; did you mean devices\?/],
    ['a list that is none', { ...least, egressAllow: '[' }, /egressAllow is '\[': allowed is JSON or a YAML list/],
    [
      'the whole internet as an allow list',
      { ...least, egressAllow: ['0.0.0.0/0'] },
      /egressAllow\.0 is '0\.0\.0\.0\/0': a range wider than \/8 is the internet/,
    ],
    [
      'one half of the internet, of which there are two',
      { ...least, egressAllow: ['128.0.0.0/1'] },
      /egressAllow\.0 is '128\.0\.0\.0\/1': a range wider than \/8/,
    ],
    [
      'the whole internet by another name',
      { ...least, egressAllow: ['203.0.113.7/0'] },
      /egressAllow\.0 is '203\.0\.113\.7\/0': a range wider/,
    ],
    [
      'an issuer whose keys anybody on the way could change',
      { ...least, oidc: { issuer: 'http://login.example.org', audience: 'iot' } },
      /oidc\.issuer is 'http:\/\/login\.example\.org': allowed is an https URL/,
    ],
    ['a preview without environment', { ...lane, environment: '' }, /environment is not set: /],
    [
      'a value for the other program',
      { ...least, leaseHours: 3 },
      /leaseHours is '3', and this stack runs the environment program: it is a setting of the preview program\. Remove it/,
    ],
    [
      'an environment setting in a preview',
      { ...lane, tier: 'dev' },
      /tier is 'dev', and this stack runs the preview program/,
    ],
    ['an unknown program', { ...least, program: 'previw' }, /program is 'previw': allowed is environment or preview/],
    [
      'an image by tag',
      { ...least, images: { api: 'host/api:latest' } },
      /images\.api is 'host\/api:latest': .*a tag can move/,
    ],
    ['an unknown hardening path', { ...least, hardening: { 'edge.armor': false } }, /hardening/],
  ])('%s is one clear refusal', (_name, own, words) => {
    expect(() => read(own)).toThrow(words);
    expect(() => read(own)).toThrow(/^1 wrong setting of stack s:\n/);
  });

  test("another provider's settings are refused: nothing would read them", () => {
    expect(() => readStackSettings('s', 'iot-platform', { ...engine(least), 'gcp:project': 'other' })).toThrow(
      /gcp:project is set, but nothing reads it.*pulumi config rm gcp:project/,
    );
  });
});

test('administrators are written as IAM answers: a second `up` finds the same member', () => {
  const administrators = ['user:Ada@Example.com', 'serviceAccount:Ops@iot-dev-1.iam.gserviceaccount.com'];
  expect(read({ ...least, administrators })).toMatchObject({
    administrators: ['user:ada@example.com', 'serviceAccount:ops@iot-dev-1.iam.gserviceaccount.com'],
  });
});

describe('the stacks of the repository', () => {
  test.each(stackNames(root))('%s is accepted and can be planned', (stack) => {
    const { project: name, config } = readStackFile(root, stack);
    const settings = readStackSettings(stack, name, config);
    if (settings.program === 'preview') return;
    expect(environmentOf(stack, settings, null).environment.tier.name).toBe(settings.tier);
  });

  test('dev, staging and prod are among them', () => {
    expect(stackNames(root)).toEqual(expect.arrayContaining(['dev', 'prod', 'staging']));
  });

  test('are read as the engine gives them: its own values, and the default of each key that it lacks', () => {
    const { project: name, config } = readStackFile(root, 'prod');
    expect(name).toBe('iot-platform');
    expect(config).toMatchObject({
      'pulumi:disable-default-providers': '["*"]',
      'iot-platform:devices': '55000',
      'iot-platform:alertEmails': expect.stringMatching(/^\[".*"\]$/),
      'iot-platform:dnsZone': 'create',
      'iot-platform:oidc': '{}',
      'iot-platform:leaseHours': '24',
    });
  });

  test('one that does not exist is named with those that do', () => {
    expect(() => readStackFile(root, 'prd')).toThrow(/no stack is named 'prd'.*there are .*prod/);
  });
});
