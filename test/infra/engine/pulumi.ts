import { spawn } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';

export const root = resolve(fileURLToPath(new URL('../../..', import.meta.url)));

/** The real CLI: on PATH, or below PULUMI_HOME (its `bin`, or npm's wrapper layout `versions/<version>/bin`). */
export function findPulumi(env: Readonly<Record<string, string | undefined>> = process.env): string | undefined {
  const home = env['PULUMI_HOME'];
  const versions =
    home === undefined ? [] : list(join(home, 'versions')).map((version) => join(home, 'versions', version, 'bin'));
  const folders = [
    ...(home === undefined ? [] : [join(home, 'bin'), ...versions]),
    ...(env['PATH'] ?? '').split(delimiter),
  ];
  // npm's wrapper of the same name would download: it is no engine.
  return folders
    .filter((folder) => folder !== '' && !folder.includes('node_modules'))
    .map((folder) => join(folder, 'pulumi'))
    .find(executable);
}

/** Folder of a real provider's plugin: on PATH, or where the engine keeps them below PULUMI_HOME. */
export function findPlugin(
  name: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const plugins = join(env['PULUMI_HOME'] ?? '', 'plugins');
  const installed =
    env['PULUMI_HOME'] === undefined ? [] : list(plugins).filter((each) => each.startsWith(`resource-${name}-v`));
  return [...(env['PATH'] ?? '').split(delimiter), ...installed.map((each) => join(plugins, each))]
    .filter((folder) => folder !== '' && !folder.includes('node_modules'))
    .find((folder) => executable(join(folder, `pulumi-resource-${name}`)));
}

export const missingPulumi = 'no pulumi on PATH or under PULUMI_HOME; docs/how-to/environment.md says how to get it';

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // the question was whether it can be run
  }
}

export type Ran = { code: number; stdout: string; stderr: string };

/** A copy of the project (the engine writes into its stack files), a backend in a folder, providers that keep no cloud. */
export class Engine {
  readonly #pulumi: string;
  readonly #dir: string;
  readonly #env: Record<string, string | undefined>;

  private constructor(pulumi: string, dir: string, plugins?: string) {
    this.#pulumi = pulumi;
    this.#dir = dir;
    this.#env = {
      ...process.env,
      PATH: [
        join(dir, 'bin'),
        ...(plugins === undefined ? [] : [plugins]),
        join(pulumi, '..'),
        join(root, 'node_modules', '.bin'),
        process.env['PATH'],
      ].join(delimiter),
      PULUMI_BACKEND_URL: `file://${join(dir, 'state')}`,
      PULUMI_CONFIG_PASSPHRASE: 'a test has no secrets',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
      FAKE_JOURNAL: join(dir, 'journal'),
    };
  }

  /** @param plugins folder of real providers, for the packages that are not named */
  static async create(pulumi: string, packages: readonly string[], plugins?: string): Promise<Engine> {
    const dir = await mkdtemp(join(tmpdir(), 'iot-engine-'));
    await mkdir(join(dir, 'bin'));
    await mkdir(join(dir, 'state'));
    await writeFile(join(dir, 'journal'), '');
    for (const part of [
      'Pulumi.yaml',
      'package.json',
      'package-lock.json',
      'infra',
      'stacks',
      'runtime',
      'docs',
      'cli',
    ])
      await cp(join(root, part), join(dir, 'project', part), { recursive: true });
    await symlink(join(root, 'node_modules'), join(dir, 'project', 'node_modules'));
    const provider = fileURLToPath(new URL('./provider.ts', import.meta.url));
    for (const name of packages) {
      const path = join(dir, 'bin', `pulumi-resource-${name}`);
      await writeFile(path, `#!/bin/sh\nFAKE_PACKAGE=${name} exec '${process.execPath}' '${provider}' "$@"\n`);
      await chmod(path, 0o755);
    }
    return new Engine(pulumi, dir, plugins);
  }

  /** Makes the stack; its file has these settings and no others. */
  async init(stack: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
    await rm(this.#file(stack), { force: true });
    const { code, stdout, stderr } = await this.run(stack, 'stack', 'init');
    if (code !== 0) throw new Error(`pulumi stack init ended with ${code}: ${stdout}${stderr}`);
    await this.settings(stack, settings);
  }

  /** Settings by key, without the project's name before them. */
  async settings(stack: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
    const before = parse(await readFile(this.#file(stack), 'utf8')) as Record<string, unknown>;
    const config = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`iot-platform:${key}`, value]));
    await writeFile(this.#file(stack), stringify({ ...before, config }));
  }

  /** `pulumi <words> --stack <stack>` on this project. */
  run(stack: string, ...words: string[]): Promise<Ran> {
    const args = [...words, '--stack', stack, '--cwd', join(this.#dir, 'project'), '--non-interactive'];
    const child = spawn(this.#pulumi, args, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
    return new Promise((done, fail) => {
      child.once('error', fail);
      child.once('close', (code) => done({ code: code ?? 1, stdout, stderr }));
    });
  }

  /** Changes a file of the copy. */
  async edit(path: string, from: string, to: string): Promise<void> {
    const whole = join(this.#dir, 'project', path);
    const before = await readFile(whole, 'utf8');
    if (!before.includes(from)) throw new Error(`${path} does not contain '${from}'`);
    await writeFile(whole, before.replace(from, to));
  }

  /** What the providers were asked to do since the last call: `create urn…`, in order. */
  async journal(): Promise<string[]> {
    const text = await readFile(join(this.#dir, 'journal'), 'utf8');
    await writeFile(join(this.#dir, 'journal'), '');
    return text.split('\n').filter(Boolean);
  }

  async end(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }

  #file(stack: string): string {
    return join(this.#dir, 'project', 'stacks', `Pulumi.${stack}.yaml`);
  }
}
