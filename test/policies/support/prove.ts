import { beforeAll, describe, expect, test } from 'vitest';
import type { Recording, Registration } from '../../../infra/recording/record.ts';
import type { Policy } from '../../../policies/framework/policy.ts';
import type { RawResource } from '../../../policies/framework/stack.ts';
import { fixture, notKnownYet, said, withValue } from '../../../policies/framework/testing.ts';
import { type Given, recordEnvironment } from '../../infra/support/environments.ts';

type Props = Readonly<Record<string, unknown>>;

/** The environment program of production, with these settings. */
export const blueprint = async (settings: Given = {}): Promise<RawResource[]> =>
  resourcesOf(await recordEnvironment({ tier: 'prod', settings }));

/** A value for the guarded place, values by path, or another resource altogether (of another type, say). */
export type Variation = { readonly value: unknown } | { readonly set: Props } | { readonly resource: RawResource };

/** A resource of the blueprint of production: by type, part of its name, and settings of the environment. */
export type Place = { readonly type: string; readonly name?: string; readonly settings?: Given };

/**
 * The evidence for one policy over a resource. From a compliant resource (the blueprint's own where it has the type)
 * and the guarded places follow the others: broken in each listed way, unknown, and absent.
 */
export type Proof = {
  readonly policy: string;
  /** A compliant resource: of the blueprint, `name` being part of its name; or given whole. */
  readonly on: string | Place | RawResource;
  /** Changes on top of it that the rule needs to speak at all, by path. They keep it compliant. */
  readonly given?: Props;
  /** The place that the policy guards: made unknown and removed in turn. */
  readonly at: string;
  /** Each breaks the policy. */
  readonly broken: readonly Variation[];
  /** More that is compliant: what a coarser rule would take for a violation. */
  readonly fine?: readonly Variation[];
  /** What an unknown at `at` leads to; `undecided` unless said. */
  readonly unknown?: 'undecided' | 'passes';
  /** What nothing at `at` leads to. */
  readonly absent: 'fires' | 'passes';
  /** Other policies of the pack that break with it, because they guard the same place. */
  readonly along?: readonly string[];
};

/** Evidence for one policy over a stack: whole lists of resources, made from the recorded one. */
export type StackProof = {
  readonly policy: string;
  /** Resources on top of the blueprint's, or in place of them. */
  readonly on?: (blueprint: readonly RawResource[]) => readonly RawResource[];
  readonly broken: Readonly<Record<string, (resources: RawResource[]) => readonly RawResource[]>>;
  readonly fine?: Readonly<Record<string, (resources: RawResource[]) => readonly RawResource[]>>;
  readonly unknown: (resources: RawResource[]) => readonly RawResource[];
  readonly unknownIs?: 'undecided' | 'passes';
  readonly absent: (resources: RawResource[]) => readonly RawResource[];
  readonly absentIs: 'fires' | 'passes';
  readonly along?: readonly string[];
};

/**
 * Declares the tests of a topic. A policy without a proof, a proof without a policy, one that never fires, always fires,
 * or fires together with others, is a failure.
 */
export function prove(
  policies: readonly Policy[],
  pack: readonly Policy[],
  proofs: readonly (Proof | StackProof)[],
): void {
  beforeAll(() => blueprint(), 120_000);
  test('each policy has its proof', () => {
    expect(proofs.map(({ policy }) => policy).sort()).toEqual(policies.map(({ id }) => id).sort());
    expect(pack.map(({ id }) => id)).toEqual(expect.arrayContaining(policies.map(({ id }) => id)));
  });
  describe.each(proofs.map((proof) => [proof.policy, proof] as const))('%s', (_id, proof) => {
    if ('at' in proof) proveResource(pack, proof);
    else proveStack(pack, proof);
  });
}

function proveResource(pack: readonly Policy[], proof: Proof): void {
  const { policy, at, given = {}, broken, fine = [], absent, along = [] } = proof;
  const changed = async (change: Props): Promise<RawResource> => {
    const base = await resourceOf(proof.on);
    const props = Object.entries({ ...given, ...change }).reduce<Props>(
      (props, [path, value]) => withValue(props, path, value),
      base.props,
    );
    return { ...base, props };
  };
  const about = async (each: Variation) => {
    if ('resource' in each) return said(pack, [each.resource]);
    return said(pack, [await changed('set' in each ? each.set : { [at]: each.value })]);
  };

  test('a compliant resource passes, and so do its harmless variations', async () => {
    for (const change of [{ set: {} }, ...fine]) {
      const { fires, undecided } = await about(change);
      expect(fires, JSON.stringify(change)).not.toContain(policy);
      expect(undecided, JSON.stringify(change)).not.toContain(policy);
    }
  });
  test('each way to break it fires it, and nothing else', async () => {
    expect(broken.length).toBeGreaterThan(0);
    const before = (await about({ set: {} })).fires;
    for (const change of broken) {
      const fires = (await about(change)).fires.filter((id) => !before.includes(id));
      expect(fires, JSON.stringify(change)).toContain(policy);
      expect([policy, ...along], JSON.stringify(change)).toEqual(expect.arrayContaining(fires));
    }
  });
  test('unknown', async () => {
    const { fires, undecided } = await about({ value: notKnownYet });
    expect(fires).not.toContain(policy);
    expect(undecided.includes(policy) ? 'undecided' : 'passes').toBe(proof.unknown ?? 'undecided');
  });
  test('absent', async () => {
    const { fires, undecided } = await about({ value: undefined });
    expect(undecided).not.toContain(policy);
    expect(fires.includes(policy) ? 'fires' : 'passes').toBe(absent);
  });
}

function proveStack(pack: readonly Policy[], proof: StackProof): void {
  const { policy, on = (blueprint) => blueprint, along = [] } = proof;
  const base = async () => [...on(await blueprint())];
  const about = async (change: (resources: RawResource[]) => readonly RawResource[]) =>
    said(pack, change(structuredClone(await base())));

  test('a compliant stack passes, and so do its harmless variations', async () => {
    for (const [why, change] of [
      ['as it is', (same: RawResource[]) => same] as const,
      ...Object.entries(proof.fine ?? {}),
    ]) {
      const { fires, undecided } = await about(change);
      expect(fires, why).not.toContain(policy);
      expect(undecided, why).not.toContain(policy);
    }
  });
  test('each way to break it fires it, and nothing else', async () => {
    const before = (await about((same) => same)).fires;
    expect(Object.keys(proof.broken).length).toBeGreaterThan(0);
    for (const [why, change] of Object.entries(proof.broken)) {
      const fires = (await about(change)).fires.filter((id) => !before.includes(id));
      expect(fires, why).toContain(policy);
      expect([policy, ...along], why).toEqual(expect.arrayContaining(fires));
    }
  });
  test('unknown', async () => {
    const { fires, undecided } = await about(proof.unknown);
    expect(fires).not.toContain(policy);
    expect(undecided.includes(policy) ? 'undecided' : 'passes').toBe(proof.unknownIs ?? 'undecided');
  });
  test('absent', async () => {
    const { fires, undecided } = await about(proof.absent);
    expect(undecided).not.toContain(policy);
    expect(fires.includes(policy) ? 'fires' : 'passes').toBe(proof.absentIs);
  });
}

async function resourceOf(on: Proof['on']): Promise<RawResource> {
  if (typeof on === 'object' && 'props' in on) return on;
  const { type, name = '', settings }: Place = typeof on === 'string' ? { type: on } : on;
  const found = (await blueprint(settings)).find((each) => each.type === type && each.name.includes(name));
  if (found === undefined) throw new Error(`the blueprint has no ${type} ${name}: give a resource by fixture(...)`);
  return found;
}

/** A recording as a policy host would hand it over. */
export const resourcesOf = ({ registrations }: Recording): RawResource[] =>
  registrations.map(
    ({ type, name, urn, inputs, protect, parent, dependencies, propertyDependencies }: Registration) => ({
      type,
      name,
      urn,
      props: inputs,
      protect,
      parent,
      dependencies,
      propertyDependencies,
    }),
  );

export { fixture };
