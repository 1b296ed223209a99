import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tool } from '../../infra/support/tool.ts';
import { root } from '../../infra/truth/compile.ts';
import { images } from '../support/blueprints.ts';
import { blueprint } from '../support/prove.ts';
import { compare, type Pair } from './compare.ts';
import { ofBlueprint, others } from './resources.ts';
import { agreementPage, countsOf, problemsOf } from './table.ts';
import { variantsOf } from './variants.ts';

/** Pinned where the scanners of the blueprint are tested, too. */
const version = '3.3.30';
const checkov = tool('checkov', 'CHECKOV', `pip install checkov==${version}`);

describe.skipIf(checkov.absent)('checkov and the packs on the same resources', () => {
  let folder: string;
  let pairs: readonly Pair[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'iot-agreement-'));
    const made = await blueprint({ images, ci: { repository: 'acme/iot', branch: 'main' } });
    const taken = ofBlueprint.map(({ type, name = '' }) => {
      const found = made.find((each) => each.type === type && each.name.includes(name));
      if (found === undefined) throw new Error(`the blueprint has no ${type} ${name}`);
      return found;
    });
    pairs = compare(
      checkov.command,
      folder,
      [...taken, ...others].flatMap((each) => [...variantsOf(each)]),
    );
  }, 600_000);
  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  test('each disagreement has its reason, and each reason is needed', () => {
    console.info(`checkov and the packs: ${countsOf(pairs)}`);
    const { unexplained, idle } = problemsOf(pairs);
    expect(unexplained).toEqual([]);
    expect(idle).toEqual([]);
    // It read the files, the broken ones included.
    expect(pairs.filter(({ theirs, ours }) => theirs === 'passes' && ours === 'passes').length).toBeGreaterThan(5_000);
    expect(pairs.filter(({ theirs, ours }) => theirs === 'fails' && ours === 'fails').length).toBeGreaterThan(200);
  });

  test('a policy that says yes to everything disagrees', () => {
    const blind = pairs.map((pair) => (pair.check === 'CKV_K8S_16' ? { ...pair, ours: 'passes' as const } : pair));
    expect(problemsOf(blind).unexplained).toContainEqual(expect.stringMatching(/^CKV_K8S_16 .*privileged/));
  });

  test('the page says what was found, by the version that it names', async () => {
    expect(spawnSync(checkov.command, ['--version'], { encoding: 'utf8' }).stdout.trim()).toBe(version);
    await expect(agreementPage(pairs, version)).toMatchFileSnapshot(join(root, 'docs/reference/policies-agreement.md'));
  });
});
