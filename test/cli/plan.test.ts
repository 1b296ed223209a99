import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pc from 'picocolors';
import { afterAll, describe, expect, test } from 'vitest';
import { createProgram } from '../../cli/main.ts';
import { type PlanOptions, plan } from '../../cli/plan/plan.ts';
import { planText } from '../../cli/plan/text.ts';
import { planOf } from '../../infra/plan/plan.ts';
import { priceFile } from '../../infra/plan/prices.ts';
import { tiers } from '../../infra/tiers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const paint = pc.createColors(false);

/** Runs the command and gives what it printed, or what it threw. */
async function run(options: PlanOptions, at = root): Promise<{ out: string; error?: Error & { exitCode?: number } }> {
  const printed: string[] = [];
  const output = { print: (text: string) => void printed.push(text), say: () => undefined, paint };
  try {
    await plan(options, { env: {}, output }, at);
    return { out: printed.join('\n') };
  } catch (error) {
    return { out: printed.join('\n'), error: error as Error };
  }
}

describe('iot plan', () => {
  test('prints sizes, arithmetic, addresses, both ways to sign and the bill', async () => {
    const { out, error } = await run({ env: 'prod' });
    expect(error).toBeUndefined();
    expect(out).toMatch(/^prod, tier prod: 55,000 devices, 1 message a minute each\n/);
    expect(out).toMatch(/\n {2}gateway +6 +12 {2}1 CPU, 1792Mi\n/);
    expect(out).toMatch(/⌈4 \/ 2 zones left⌉ × 3 zones, at least 6 += 6\n/);
    expect(out).toMatch(/\n {2}pods +10\.64\.0\.0\/14\n/);
    expect(out).toMatch(/our issuer, key in KMS \(chosen\) +Certificate Authority Service\n/);
    expect(out).toMatch(/USD a month +2\.92 +14,140\.97\n/);
    expect(out).toMatch(new RegExp(`list prices of us-central1 on ${priceFile.priced}`));
    expect(out).toMatch(/\n {2}[\d,]+\.\d\d USD a month, \d+ % of it by prices that nobody checked/);
  });

  test('the printed total is the sum of the printed lines', async () => {
    const { out } = await run({ devices: 20_000, rate: 6, tier: 'staging', cluster: 'standard', certificates: 'cas' });
    const bill = out.slice(out.indexOf('Cost a month'));
    const amounts = [...bill.matchAll(/ ([\d,]+\.\d\d)(?: {2}\?)?\n/g)].map(([, text = '']) =>
      Number(text.replaceAll(',', '')),
    );
    const printed = Number(/\n {2}([\d,]+\.\d\d) USD a month/.exec(bill)?.[1]?.replaceAll(',', ''));
    expect(amounts.length).toBeGreaterThan(20);
    expect(Math.abs(amounts.reduce((sum, amount) => sum + amount, 0) - printed)).toBeLessThan(0.5);
    expect(bill).toMatch(/Node e2-standard-4/);
    expect(out).toMatch(/Certificate Authority Service \(chosen\)/);
  });

  test('--json is the plan as one value', async () => {
    const { out } = await run({ devices: 55_000, json: true });
    expect(JSON.parse(out)).toMatchObject({
      tier: 'prod',
      problems: [],
      pods: { gateway: { replicas: 6 } },
      cost: { priced: priceFile.priced },
    });
  });

  test('a fleet that no plan carries: the arithmetic, each limit in a sentence, exit code 1', async () => {
    const { out, error } = await run({ devices: 55_000, rate: 60 });
    expect(out).toMatch(/^Arithmetic\n/);
    expect(error).toMatchObject({ exitCode: 1, message: expect.stringMatching(/^55,000 devices at 60 messages/) });
  });

  test('old prices say how old they are', () => {
    const input = {
      tier: tiers.dev,
      devices: 10,
      messagesPerDevicePerMinute: 2,
      clusterMode: 'autopilot' as const,
      deviceCertificates: 'kms' as const,
      shards: null,
      publicEdge: false,
      scanImages: false,
    };
    const planned = { title: 'x', ...input, ...planOf(input) };
    const day = 86_400_000;
    const priced = Date.parse(priceFile.priced);
    expect(planText(planned, paint, priced + 90 * day)).not.toMatch(/days old/);
    expect(planText(planned, paint, priced + 91 * day)).toMatch(/These prices are 91 days old: check/);
  });
});

describe('called wrongly', () => {
  test.each<[string, PlanOptions, RegExp]>([
    ['nothing to plan', {}, /^nothing says what to plan: give --env with one of dev, .*or --devices/],
    ['a rate alone', { rate: 3 }, /^nothing says what to plan/],
    ['a stack that is not there', { env: 'prd' }, /^no stack is named 'prd': .*there are dev, prod, staging/],
  ])('%s', async (_name, options, words) => {
    expect(await run(options)).toMatchObject({
      out: '',
      error: { exitCode: 2, message: expect.stringMatching(words) },
    });
  });

  test.each<[string[], RegExp]>([
    [['--env', 'prod', '--devices', '3'], /'--env <stack>' cannot be used with option '--devices <n>'/],
    [['--devices', '0'], /whole number 1 to 2000000/],
    [['--devices', '5', '--rate', '1.5'], /whole number 1 to 6000/],
    [['--devices', '5', '--tier', 'big'], /Allowed choices are ephemeral, dev, staging, prod/],
  ])('%j', async (args, words) => {
    const said: string[] = [];
    const output = { print: () => undefined, say: () => undefined, paint };
    const program = await createProgram({ env: {}, output }, 'plan');
    const command = program.commands.find((each) => each.name() === 'plan');
    command?.exitOverride().configureOutput({ writeErr: (text) => void said.push(text) });
    await expect(program.parseAsync(['plan', ...args], { from: 'user' })).rejects.toThrow();
    expect(said.join('')).toMatch(words);
  });
});

describe('stacks of a clone', () => {
  const clone = mkdtempSync(join(tmpdir(), 'iot-test-plan-'));
  afterAll(() => rmSync(clone, { recursive: true, force: true }));
  cpSync(join(root, 'Pulumi.yaml'), join(clone, 'Pulumi.yaml'));
  mkdirSync(join(clone, 'stacks'));
  const write = (stack: string, lines: readonly string[]) =>
    writeFileSync(join(clone, 'stacks', `Pulumi.${stack}.yaml`), `config:\n${lines.map((l) => `  ${l}\n`).join('')}`);

  test('every wrong setting of a stack at once, exit code 1', async () => {
    write('bad', [
      'iot-platform:tier: prod',
      'iot-platform:project: iot-prod-1',
      'iot-platform:region: mars',
      'iot-platform:leaseHours: 3',
    ]);
    expect((await run({ env: 'bad' }, clone)).error).toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/^2 wrong settings of stack bad:\n.*leaseHours.*\n.*region is 'mars'/),
    });
  });

  test('a domain that is missing where it is needed', async () => {
    write('open', ['iot-platform:tier: prod', 'iot-platform:project: iot-prod-1', 'iot-platform:region: europe-west1']);
    expect((await run({ env: 'open' }, clone)).error?.message).toMatch(/domain is not set: tier prod needs one/);
  });

  test('a preview has no sizes of its own', async () => {
    write('pr-1', [
      'iot-platform:program: preview',
      'iot-platform:environment: dev',
      'iot-platform:project: iot-dev-1',
      'iot-platform:region: europe-west1',
    ]);
    expect((await run({ env: 'pr-1' }, clone)).error?.message).toBe(
      'stack pr-1 is a preview: it has no sizes of its own, its environment dev has',
    );
  });

  test('a file that is no YAML, and a key without a value, are named', async () => {
    writeFileSync(join(clone, 'stacks', 'Pulumi.torn.yaml'), 'config: {');
    expect((await run({ env: 'torn' }, clone)).error?.message).toMatch(/Pulumi\.torn\.yaml is no YAML: /);
    write('empty', ['iot-platform:tier:']);
    expect((await run({ env: 'empty' }, clone)).error?.message).toMatch(/iot-platform:tier has no value/);
  });

  test('a name that begins no resource', async () => {
    write('Prod_1', [
      'iot-platform:tier: dev',
      'iot-platform:project: iot-prod-1',
      'iot-platform:region: europe-west1',
    ]);
    expect((await run({ env: 'Prod_1' }, clone)).error?.message).toMatch(
      /the stack's name is 'Prod_1': allowed are 2 to 16/,
    );
  });
});
