import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { tool } from '../support/tool.ts';
import { root } from '../truth/compile.ts';
import { kindOf, type Manifest, manifests, writeManifests } from './manifests.ts';
import { locationTemplate, strict, writeSchemas } from './schemas.ts';
import { hasGo, readSources, unpublished } from './sources.ts';

/**
 * `kubeconform -strict` over every object of every tier, no schema ignored. Schemas are made here from the OpenAPI document
 * of Kubernetes and the definitions of the custom resources, out of their Go modules.
 */
const install = 'go install github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0';
const { command, absent } = tool('kubeconform', 'KUBECONFORM', install);
const noGo = !hasGo() && process.env['CI'] === undefined;
if (noGo) console.warn('skipped: go is not installed, and the schemas are in Go modules');

describe.skipIf(absent || noGo)('kubeconform', () => {
  let folder: string;
  let used: ReadonlySet<string>;
  let kinds: ReadonlySet<string>;
  let files: string[];
  const judge = (paths: readonly string[]) => {
    const list = join(folder, 'paths.txt');
    writeFileSync(list, paths.join('\n'));
    const run = spawnSync(
      command,
      [
        '-strict',
        '-summary',
        '-output',
        'json',
        '-schema-location',
        join(folder, 'schemas', locationTemplate),
        ...paths,
      ],
      { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    );
    if (run.error !== undefined) throw run.error;
    return JSON.parse(run.stdout) as {
      resources?: { filename: string; status: string; msg: string }[];
      summary: { valid: number; invalid: number; errors: number; skipped: number };
    };
  };

  beforeAll(async () => {
    mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
    folder = mkdtempSync(join(root, 'node_modules/.cache/kube-'));
    used = new Set((await manifests()).map(({ manifest }) => kindOf(manifest)));
    kinds = writeSchemas(join(folder, 'schemas'), readSources(), used);
    files = await writeManifests(join(folder, 'manifests'));
  }, 300_000);
  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  test('every kind has a schema, but for those that nobody publishes', () => {
    const listed = unpublished.map(({ group, version, kind }) => `${group}/${version}/${kind}`.toLowerCase());
    expect([...used].filter((kind) => !kinds.has(kind)).sort()).toEqual(listed.sort());
  });

  test('finds every object as its schema says', () => {
    const known = files.filter((file) => kinds.has(kindOf(parse(readFileSync(file, 'utf8')) as Manifest)));
    const { summary, resources } = judge(known);
    expect((resources ?? []).map(({ filename, msg }) => `${filename.slice(folder.length)}: ${msg}`)).toEqual([]);
    expect(summary).toMatchObject({ valid: known.length, invalid: 0, errors: 0, skipped: 0 });
    expect(known.length).toBeGreaterThan(50);
  });

  test.each([
    ['a property that is none', 'Deployment', (spec: Bag) => (spec['replicaas'] = 3)],
    ['a number where a text belongs', 'Deployment', (spec: Bag) => (spec['paused'] = 'often')],
    ['a misspelt property of a custom resource', 'PodMonitoring', (spec: Bag) => (spec['endpoint'] = [])],
    ['a required one that is missing', 'PodMonitoring', (spec: Bag) => delete spec['selector']],
  ])('finds %s', (_, kind, plant) => {
    const file = files.find((each) => (parse(readFileSync(each, 'utf8')) as Manifest).kind === kind) as string;
    const manifest = parse(readFileSync(file, 'utf8')) as Manifest & { spec: Bag };
    plant(manifest.spec);
    const planted = join(folder, 'planted.yaml');
    writeFileSync(planted, stringify(manifest));
    expect(judge([planted]).summary).toMatchObject({ valid: 0, invalid: 1 });
  });
});

type Bag = Record<string, unknown>;

describe('a strict schema', () => {
  test('closes objects, and leaves maps and preserved ones open', () => {
    const text = { type: 'string' };
    expect(strict({ type: 'object', properties: { a: text } })).toEqual({
      type: 'object',
      properties: { a: text },
      additionalProperties: false,
    });
    expect(strict({ type: 'object', additionalProperties: text })).toEqual({
      type: 'object',
      additionalProperties: text,
    });
    expect(strict({ 'x-kubernetes-preserve-unknown-fields': true, properties: {} })).toEqual({ properties: {} });
    expect(strict({ format: 'int-or-string', type: 'string' })).toEqual({ type: ['string', 'integer'] });
  });
});
