import {
  type ResourceValidationArgs,
  type ResourceValidationPolicy,
  UnknownValueError,
  unknownCheckingProxy,
} from '@pulumi/policy';
import { describe, expect, test } from 'vitest';
import { all } from '../../../policies/framework/answer.ts';
import { readExemptions } from '../../../policies/framework/exemptions.ts';
import { hosted, levelIn } from '../../../policies/framework/pack.ts';
import { resourcePolicy } from '../../../policies/framework/policy.ts';
import { readStart, type Start, tierOf } from '../../../policies/framework/start.ts';
import { notKnownYet } from '../../../policies/framework/testing.ts';

const bounded = resourcePolicy({
  id: 'bounded',
  description: 'Sizes are bounded.',
  severity: 'low',
  level: 'mandatory',
  tiers: ['prod'],
  remediation: 'Lower size.',
  url: 'https://example.com',
  references: { checkov: ['CKV_1'], 'cis-gke': ['1.2'] },
  types: ['test:index:Thing'],
  settings: { most: { default: 3, description: 'largest size' } },
  judge: ({ at, settings }) => all([at('size').atMost(settings.most), at('zone').is('a')]),
  remedy: ({ settings }) => ({ size: settings.most }),
});
const pack = { name: 'test', description: 'a test', policies: [bounded] };
const prod: Start = { tier: 'prod', exemptions: [] };
const now = new Date('2026-11-23T00:00:00Z');
const urn = 'urn:pulumi:s::p::test:index:Thing::big';

function run(policies: ReturnType<typeof hosted>, props: object, config: object = {}, tags: object = {}) {
  const messages: string[] = [];
  const policy = policies[0] as ResourceValidationPolicy;
  const args = {
    type: 'test:index:Thing',
    name: 'big',
    urn,
    props: (unknownCheckingProxy as (props: object) => object)(props),
    opts: { protect: false },
    stackTags: new Map(Object.entries(tags)),
    getConfig: () => config,
  } as unknown as ResourceValidationArgs;
  const check = policy.validateResource as (args: ResourceValidationArgs, report: (message: string) => void) => void;
  let thrown: unknown;
  try {
    check(args, (message) => messages.push(message));
  } catch (error) {
    thrown = error;
  }
  return { messages, thrown };
}

describe('a hosted policy', () => {
  test('reports where and the way out, and no value', () => {
    expect(run(hosted(pack, prod, now), { size: 987654, zone: 'a' })).toEqual({
      messages: ['size: Lower size.'],
      thrown: undefined,
    });
    expect(run(hosted(pack, prod, now), { size: 3, zone: 'a' }).messages).toEqual([]);
  });

  test('a violation is reported although another property is unknown', () => {
    expect(run(hosted(pack, prod, now), { size: 9, zone: notKnownYet }).messages).toEqual(['size: Lower size.']);
  });

  test('what cannot be decided leaves as the error that the host turns into one advisory', () => {
    const { messages, thrown } = run(hosted(pack, prod, now), { size: 1, zone: notKnownYet });
    expect(messages).toEqual([]);
    expect(thrown).toBeInstanceOf(UnknownValueError);
    expect(String(thrown)).toMatch(/zone/);
  });

  test("a team's setting takes the place of the default", () => {
    expect(run(hosted(pack, prod, now), { size: 9, zone: 'a' }, { most: 10 }).messages).toEqual([]);
  });

  test('one type takes the fast path of the host', () => {
    const [policy] = hosted(pack, prod, now) as [ResourceValidationPolicy];
    expect(policy.validateResource).toHaveProperty('__pulumiType', 'test:index:Thing');
    expect(policy.tags).toEqual(['checkov:CKV_1', 'cis-gke:1.2']);
    expect(policy.framework?.reference).toBe('1.2');
  });

  test('level by tier', () => {
    expect(levelIn(bounded, 'prod')).toBe('mandatory');
    expect(levelIn(bounded, 'dev')).toBe('advisory');
  });

  test("the stack's tag is its tier where no setting says one: then the policy advises, in the host's own way", () => {
    const silent = { tier: null, exemptions: [] };
    const { messages, thrown } = run(hosted(pack, silent, now), { size: 9, zone: 'a' }, {}, { 'policies:tier': 'dev' });
    expect(messages).toEqual([]);
    expect(thrown).toBeInstanceOf(UnknownValueError);
    expect((thrown as Error).message).toBe("it advises in tier dev, which is the stack's tag: big: size: Lower size.");
    expect(run(hosted(pack, silent, now), { size: 9, zone: 'a' }, {}, { tier: 'production' }).messages).toHaveLength(1);
    expect(run(hosted(pack, silent, now), { size: 9, zone: 'a' }).messages).toHaveLength(1);
    expect(run(hosted(pack, prod, now), { size: 9, zone: 'a' }, {}, { tier: 'dev' }).messages).toHaveLength(1);
  });

  test('a policy that is for its tiers alone is silent elsewhere, by setting and by tag', () => {
    const alone = { ...bounded, elsewhere: 'disabled' as const };
    expect(levelIn(alone, 'dev')).toBe('disabled');
    const tagged = run(
      hosted({ ...pack, policies: [alone] }, { tier: null, exemptions: [] }, now),
      { size: 9 },
      {},
      { tier: 'dev' },
    );
    expect(tagged).toEqual({ messages: [], thrown: undefined });
  });

  test('a remedy changes nothing that an exemption covers', () => {
    const exemption = { policy: 'bounded', resource: '*::big', reason: 'r', owner: 'o', expires: '2026-11-23' };
    const [policy] = hosted(pack, { tier: 'prod', exemptions: [exemption] }, now) as [ResourceValidationPolicy];
    const args = { type: 'test:index:Thing', urn, props: { size: 9, zone: 'a' }, opts: {}, getConfig: () => ({}) };
    expect(policy.remediateResource?.(args as unknown as ResourceValidationArgs)).toBeUndefined();
  });

  test('a remedy sets what is broken and leaves the rest', () => {
    const [policy] = hosted(pack, prod, now) as [ResourceValidationPolicy];
    const remedied = (props: object) =>
      policy.remediateResource?.({
        type: 'test:index:Thing',
        name: 'big',
        urn,
        props,
        opts: { protect: false },
        getConfig: () => ({}),
      } as unknown as ResourceValidationArgs);
    expect(remedied({ size: 9, zone: 'a' })).toEqual({ size: 3, zone: 'a' });
    expect(remedied({ size: 1, zone: 'a' })).toBeUndefined();
  });
});

describe('exemptions', () => {
  const exemption = { policy: 'bounded', resource: '*::big', reason: 'old', owner: 'ops', expires: '2026-11-23' };
  const validity = (policies: ReturnType<typeof hosted>) => {
    const messages: string[] = [];
    const last = policies.at(-1) as unknown as {
      validateStack: (args: object, report: (message: string) => void) => void;
    };
    last.validateStack({ resources: [], getConfig: () => ({}) }, (message) => messages.push(message));
    return messages;
  };

  test('cover a violation until their day', () => {
    const policies = hosted(pack, { tier: 'prod', exemptions: [exemption] }, now);
    expect(run(policies, { size: 9, zone: 'a' }).messages).toEqual([]);
    expect(validity(policies)).toEqual([]);
  });

  test('expired ones cover nothing and are a violation', () => {
    const policies = hosted(pack, { tier: 'prod', exemptions: [exemption] }, new Date('2026-11-24T00:00:00Z'));
    expect(run(policies, { size: 9, zone: 'a' }).messages).toEqual(['size: Lower size.']);
    expect(validity(policies)).toEqual([expect.stringMatching(/expired on 2026-11-23/)]);
  });

  test('unused ones are a violation', () => {
    const policies = hosted(pack, { tier: 'prod', exemptions: [exemption] }, now);
    expect(run(policies, { size: 1, zone: 'a' }).messages).toEqual([]);
    expect(validity(policies)).toEqual([expect.stringMatching(/is not used/)]);
  });

  test('one that covers what is not known yet is not unused: the update will tell', () => {
    const policies = hosted(pack, { tier: 'prod', exemptions: [exemption] }, now);
    expect(run(policies, { size: notKnownYet, zone: 'a' }).thrown).toBeInstanceOf(UnknownValueError);
    expect(validity(policies)).toEqual([]);
  });

  test('without owner, reason or a real day, or for everything, are refused at the start', () => {
    expect(() =>
      readExemptions([
        { ...exemption, owner: '', expires: '2026-02-31' },
        { ...exemption, resource: '*' },
      ]),
    ).toThrow(/exemption 0 has no owner; exemption 0: expires is not a day.*exemption 1: resource \* is everything/);
  });
});

test("the start reads the stack's configuration, and an unknown stack is production", () => {
  expect(readStart({})).toEqual({ tier: null, exemptions: [] });
  expect(tierOf(readStart({}), undefined)).toBe('prod');
  const PULUMI_CONFIG = JSON.stringify({ 'shop:tier': 'dev' });
  expect(readStart({ PULUMI_CONFIG, PULUMI_PROJECT: 'shop' }).tier).toBe('dev');
  expect(readStart({ PULUMI_CONFIG, PULUMI_PROJECT: 'other' }).tier).toBe(null);
  const lane = JSON.stringify({ 'shop:program': 'preview' });
  expect(readStart({ PULUMI_CONFIG: lane, PULUMI_PROJECT: 'shop' }).tier).toBe('preview');
  expect(readStart({ PULUMI_CONFIG: JSON.stringify({ 'policies:tier': 'production' }) }).tier).toBe('prod');
  expect(() => readStart({ PULUMI_CONFIG: '{' })).toThrow(/PULUMI_CONFIG is not JSON/);
});
