import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from '../infra/truth/compile.ts';

/** The workflows that how-to pages give away: what somebody copies has to work. */
type Step = { uses?: string; run?: string; env?: Record<string, string>; 'continue-on-error'?: boolean };
type Workflow = {
  on: unknown;
  permissions: Record<string, string>;
  jobs: Record<string, { 'runs-on': string; env?: Record<string, string>; steps: Step[] }>;
};

const page = (name: string) => readFileSync(join(root, 'docs/how-to', name), 'utf8');
const workflowsOf = (name: string): Workflow[] =>
  [...page(name).matchAll(/```yaml\n(# \.github\/workflows\/[^`]+)```/g)].map(
    ([, text = '']) => parse(text) as Workflow,
  );
const stepsOf = ({ jobs }: Workflow): Step[] => Object.values(jobs).flatMap(({ steps }) => steps);

describe.each(['policies.md', 'ci.md'])('the workflow of %s', (name) => {
  const workflows = workflowsOf(name);

  test('is one that GitHub runs, with the rights that it needs and on nobody else’s code with secrets', () => {
    expect(workflows).toHaveLength(1);
    for (const { on, permissions, jobs } of workflows) {
      expect(JSON.stringify(on)).not.toContain('pull_request_target');
      expect(permissions['contents']).toBe('read');
      for (const job of Object.values(jobs)) {
        expect(Object.keys(job).sort()).toEqual(expect.arrayContaining(['runs-on', 'steps']));
        for (const step of job.steps) {
          expect([step.uses, step.run].filter((each) => each !== undefined)).toHaveLength(1);
          if (step.uses !== undefined) expect(step.uses).toMatch(/^[\w-]+\/[\w-]+@v\d+$/);
        }
      }
    }
  });

  test('its commands are ones of a shell, and none hides that it failed', () => {
    for (const { run = '', ...step } of workflows.flatMap(stepsOf)) {
      // What GitHub puts in before the shell sees it.
      const script = run.replace(/\$\{\{[^}]+\}\}/g, 'x');
      expect(spawnSync('sh', ['-n', '-c', script], { encoding: 'utf8' }).stderr).toBe('');
      expect(run).not.toMatch(/\|\|/);
      expect(step['continue-on-error']).toBeUndefined();
    }
  });
});

describe('the workflow that holds a preview to the policies', () => {
  const [workflow] = workflowsOf('policies.md');
  const steps = workflow === undefined ? [] : stepsOf(workflow);
  const preview = steps.find(({ run }) => run?.includes('preview'));

  test('runs on each pull request, after what a preview needs', () => {
    expect(workflow?.on).toBe('pull_request');
    expect(steps.map(({ uses, run }) => (uses ?? run ?? '').split(/[@ ]/)[0])).toEqual([
      'actions/checkout',
      'actions/setup-node',
      'pulumi/actions',
      'npm',
      'pulumi',
      'pulumi',
    ]);
  });

  test('names packs that are there, of a stack that it made and that has a file', () => {
    const packs = [...(preview?.run ?? '').matchAll(/--policy-pack (\S+)/g)].map(([, path = '']) => path);
    expect(packs.sort()).toEqual(['policies/google-cloud', 'policies/kubernetes', 'policies/platform']);
    for (const pack of packs) expect(existsSync(join(root, pack, 'PulumiPolicy.yaml')), pack).toBe(true);
    const stack = /preview -s (\S+)/.exec(preview?.run ?? '')?.[1] ?? '';
    expect(steps.map(({ run }) => run)).toContain(`pulumi stack init ${stack}`);
    expect(existsSync(join(root, `stacks/Pulumi.${stack}.yaml`))).toBe(true);
  });

  test('every command of it, and not the last alone, keeps its state to the run and asks no cloud', () => {
    const [job] = Object.values(workflow?.jobs ?? {});
    expect(job?.env).toMatchObject({ GOOGLE_OAUTH_ACCESS_TOKEN: 'none', PULUMI_BACKEND_URL: 'file:///tmp' });
    expect(job?.env?.['PULUMI_CONFIG_PASSPHRASE']).toMatch(/./);
  });
});

test('the packages that another project installs are the ones that the packs are', () => {
  const text = page('policies.md');
  for (const pack of ['google-cloud', 'kubernetes']) {
    const { name, version } = JSON.parse(readFileSync(join(root, `policies/${pack}/package.json`), 'utf8'));
    expect(text).toContain(`./${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
    expect(text).toContain(`--policy-pack node_modules/${name}`);
  }
});
