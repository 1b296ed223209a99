import { mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { recordStackFile } from '../../../cli/render-stack.ts';
import { secretKey, unknownValue } from '../../../infra/recording/record.ts';
import { kubernetesFiles } from '../../../infra/render/kubernetes.ts';
import { type RenderedFile, renderOf } from '../../../infra/render/render.ts';
import { resourceFiles } from '../../../infra/render/resources.ts';
import { terraformPlan, terraformType } from '../../../infra/render/terraform.ts';
import { readable, unknownPaths } from '../../../infra/render/values.ts';
import { ForeignFolderError, writeRendering } from '../../../infra/render/write.ts';
import { readStackFile } from '../../../infra/settings/stack-file.ts';
import { root } from '../truth/compile.ts';

let files: readonly RenderedFile[];
let recordings: Awaited<ReturnType<typeof recordStackFile>>;
beforeAll(async () => {
  recordings = await recordStackFile(root, 'prod');
  files = renderOf(recordings);
}, 60_000);

describe('iot render', () => {
  test('gives the same bytes twice', async () => {
    expect(renderOf(await recordStackFile(root, 'prod'))).toEqual(files);
  });

  test('writes every resource once, and every Kubernetes object as a manifest of its own', () => {
    const { registrations } = recordings.preview;
    const resources = files
      .filter(({ path }) => path.startsWith('resources/'))
      .flatMap(({ text }) => JSON.parse(text) as { type: string }[]);
    expect(resources).toHaveLength(registrations.filter(({ type }) => !type.startsWith('iot:')).length);
    const manifests = files.filter(({ path }) => path.startsWith('kubernetes/'));
    expect(manifests).toHaveLength(registrations.filter(({ type }) => type.startsWith('kubernetes:')).length);
    expect(new Set(manifests.map(({ path }) => path)).size).toBe(manifests.length);
    for (const { path, text } of manifests) {
      const { kind, metadata } = parse(text) as { kind: string; metadata: { name: string } };
      expect(path).toMatch(new RegExp(`/${kind.toLowerCase()}-${metadata.name}\\.yaml$`));
      expect(text).not.toContain(unknownValue);
    }
  });

  test('uses the settings of the stack’s file', () => {
    const { config } = readStackFile(root, 'prod');
    const network = files.find(({ path }) => path === 'resources/stack.json')?.text ?? '';
    expect(network).toContain(`"project": "${config['iot-platform:project']}"`);
  });

  test('hides secrets, names unknowns and sorts keys', () => {
    expect(readable({ b: { [secretKey]: 'x', value: 'hunter2' }, a: unknownValue })).toEqual({
      a: '(known after up)',
      b: '(secret)',
    });
    expect(Object.keys(readable({ b: 1, a: 2 }) as object)).toEqual(['a', 'b']);
    expect(unknownPaths({ a: [{ b: unknownValue }], c: 1 })).toEqual(['a[0].b']);
  });

  test('names in a manifest what only an up can know', () => {
    const [up] = recordings.up.registrations.filter(({ type }) => type === 'kubernetes:core/v1:Namespace');
    if (up === undefined) throw new Error('no namespace');
    const preview = { ...up, inputs: { ...up.inputs, metadata: { name: unknownValue } } };
    expect(kubernetesFiles([up], [preview])[0]?.text).toMatch(/^# Known after up, made up here: metadata\.name\n/);
  });

  test('quotes texts that YAML 1.1 takes for something else', () => {
    const [up] = recordings.up.registrations.filter(({ type }) => type === 'kubernetes:core/v1:ConfigMap');
    if (up === undefined) throw new Error('no config map');
    const odd = { ...up, inputs: { ...up.inputs, data: { a: 'off', b: 'yes', c: '1e3', d: 'plain' } } };
    expect(kubernetesFiles([odd], [])[0]?.text).toContain('  a: "off"\n  b: "yes"\n  c: "1e3"\n  d: plain\n');
  });

  test('groups resources by the component that made them', () => {
    const paths = resourceFiles(recordings.up.registrations).map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['resources/network.json', 'resources/stack.json']));
  });

  test('refuses a folder with anything else in it before it writes, and renews its own', () => {
    const folder = mkdtempSync(join(tmpdir(), 'render-'));
    writeRendering(folder, [
      { path: 'a/b.txt', text: '1' },
      { path: 'c.txt', text: '2' },
    ]);
    writeRendering(folder, [{ path: 'c.txt', text: '3' }]);
    expect(readFileSync(join(folder, 'c.txt'), 'utf8')).toBe('3');
    expect(readdirSync(folder, { recursive: true }).map(String).sort()).toEqual(['.iot-render.json', 'a', 'c.txt']);
    writeFileSync(join(folder, 'mine.txt'), 'keep');
    expect(() => writeRendering(folder, [{ path: 'c.txt', text: '4' }])).toThrow(ForeignFolderError);
    expect(() => writeRendering(folder, [{ path: 'c.txt', text: '4' }])).toThrow(
      /mine\.txt.*give an empty or new folder/,
    );
    expect(readFileSync(join(folder, 'c.txt'), 'utf8')).toBe('3');
  });

  test('whatever a folder says of itself, nothing outside it is removed or written', () => {
    const outside = mkdtempSync(join(tmpdir(), 'render-'));
    const folder = join(outside, 'out');
    writeRendering(folder, [{ path: 'a/b.txt', text: '1' }]);
    writeFileSync(join(outside, 'mine.txt'), 'keep');
    // A folder that came with somebody's repository: its list, and a link where a folder was.
    writeFileSync(
      join(folder, '.iot-render.json'),
      JSON.stringify(['a/b.txt', '../mine.txt', 'linked/mine.txt', 'linked']),
    );
    symlinkSync(outside, join(folder, 'linked'));
    writeRendering(folder, [{ path: 'linked/mine.txt', text: '2' }]);
    expect(readFileSync(join(outside, 'mine.txt'), 'utf8')).toBe('keep');
    expect(readFileSync(join(folder, 'linked/mine.txt'), 'utf8')).toBe('2');
    expect(() => writeRendering(folder, [{ path: '../mine.txt', text: '3' }])).toThrow(/outside/);
    expect(readFileSync(join(outside, 'mine.txt'), 'utf8')).toBe('keep');
  });
});

describe('the plan for scanners', () => {
  test.each([
    ['gcp:compute/networkFirewallPolicy:NetworkFirewallPolicy', 'google_compute_network_firewall_policy'],
    ['gcp:sql/databaseInstance:DatabaseInstance', 'google_sql_database_instance'],
    ['gcp:certificateauthority/caPool:CaPool', 'google_privateca_ca_pool'],
    ['gcp:certificateauthority/authority:Authority', 'google_privateca_certificate_authority'],
    ['gcp:projects/iAMMember:IAMMember', 'google_project_iam_member'],
    ['gcp:organizations/project:Project', 'google_project'],
    ['gcp:organizations/iAMMember:IAMMember', 'google_organization_iam_member'],
    ['gcp:serviceaccount/account:Account', 'google_service_account'],
    ['gcp:serviceaccount/iAMMember:IAMMember', 'google_service_account_iam_member'],
    ['gcp:kms/cryptoKey:CryptoKey', 'google_kms_crypto_key'],
    ['gcp:storage/bucket:Bucket', 'google_storage_bucket'],
    ['gcp:compute/sSLPolicy:SSLPolicy', 'google_compute_ssl_policy'],
  ])('%s is %s', (type, expected) => {
    expect(terraformType(type)).toBe(expected);
  });

  test('has blocks as lists, maps as maps, and every Google resource', () => {
    const plan = terraformPlan(recordings.up.registrations) as {
      planned_values: { root_module: { resources: { type: string; values: Record<string, unknown> }[] } };
    };
    const { resources } = plan.planned_values.root_module;
    expect(resources).toHaveLength(recordings.up.registrations.filter(({ type }) => type.startsWith('gcp:')).length);
    const database = resources.find(({ type }) => type === 'google_sql_database_instance');
    expect(database?.values).toMatchObject({ settings: [{ ip_configuration: [{ ipv4_enabled: false }] }] });
  });
});
