import { execFileSync } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectAsync, type MqttClient } from 'mqtt';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeadLetter } from '../../runtime/contracts/http/dead-letters.ts';
import { until } from '../devices/harness.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';

/** The commands of docs/how-to/dead-letters.md in their order, and what an operator sees of it in a browser. */
let platform: TestPlatform;
let mqtt: MqttClient;
beforeAll(async () => {
  platform = await startPlatform({ portBase: 25_600, devices: 0 });
  await setType(50);
  const out = join(platform.data, 'pump-1');
  const made = await platform.iot('device', 'create', 'pump-1', '--type', 'pump', '--out', out);
  expect(made.code, made.stderr).toBe(0);
  const { hostname, port } = new URL(platform.urls.mqtt);
  const [key, cert, ca] = await Promise.all(['key.pem', 'cert.pem', 'ca.pem'].map((name) => readFile(join(out, name))));
  mqtt = await connectAsync(`mqtts://${hostname}:${port}`, {
    clientId: 'pump-1',
    reconnectPeriod: 0,
    key: key as Buffer,
    cert: cert as Buffer,
    ca: ca as Buffer,
  });
});
afterAll(async () => {
  await mqtt?.endAsync();
  await platform?.stop();
});

const send = (body: string) => mqtt.publishAsync('/devices/pump-1/events', body, { qos: 1 });
async function setType(max: number): Promise<void> {
  const response = await fetch(new URL('/v1/device-types/pump', platform.urls.dashboard), {
    method: 'PUT',
    headers: { authorization: `Bearer ${await platform.token()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id: 'pump', metrics: { pressure: { type: 'number', max } } }),
  });
  expect(response.status, await response.text()).toBeLessThan(300);
}
async function letters(...args: string[]): Promise<DeadLetter[]> {
  const { code, stdout, stderr } = await platform.iot('dead-letter', 'list', '--json', ...args);
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as { items: DeadLetter[] }).items;
}
const waiting = (n: number, ...args: string[]) =>
  until(`${n} letters`, async () => (await letters(...args)).length === n);

/** `npx iot …` lines of the page's blocks, as arguments. */
async function documented(): Promise<string[][]> {
  const text = await readFile(fileURLToPath(new URL('../../docs/how-to/dead-letters.md', import.meta.url)), 'utf8');
  return [...text.matchAll(/^npx iot (.+)$/gm)].map(([, line = '']) =>
    [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ''),
  );
}

test('every command of the how-to does what the page says', async () => {
  await send('{"pressure":');
  await waiting(1);
  const [first] = (await letters()) as [DeadLetter];
  const said: string[] = [];
  const run = async (args: readonly string[]) => {
    // What the page assumes at this place: letters to replay and to discard.
    if (args.includes('replay') && args.includes('--all')) {
      await send('{"pressure":70}');
      await send('{"pressure":80}');
      await waiting(2, '--reason', 'schema');
      await setType(100);
    }
    if (args.includes('discard') && args.includes('--all')) {
      await send('garbage');
      await waiting(1, '--reason', 'malformed');
    }
    const { code, stdout, stderr } = await platform.iot(...args.map((arg) => (arg === 'LETTER' ? first.id : arg)));
    expect(code, `iot ${args.join(' ')}: ${stderr}`).toBe(0);
    said.push(stdout);
  };
  const commands = await documented();
  expect(commands).toHaveLength(9);
  for (const args of commands) await run(args);
  const [list, , show, edit, replay, latest, many, discard, discarded] = said as string[];
  expect(list).toContain(first.id);
  expect(show).toMatch(/malformed[\s\S]*\{"pressure":/);
  expect(edit).toContain('Edited to: 17 bytes\n{"pressure":3.25}');
  expect(replay).toBe(`${first.id} replayed: 1 stored, 0 stored before\n`);
  expect(latest).toContain('pressure=3.25');
  expect(many).toBe('2 replayed, 0 failed again and are open\n');
  expect(discard).toBe('1 discarded\n');
  expect(discarded).toContain('malformed');
  const raw = await platform.iot('dead-letter', 'show', first.id, '--raw');
  expect(raw.stdout).toBe('{"pressure":3.25}');
  // Asked for again: nothing is stored twice.
  expect((await platform.iot('dead-letter', 'replay', first.id)).stdout).toBe(replay);
  const history = await platform.iot('telemetry', 'history', 'pump-1', '--from', '1h', '--to', 'now', '--json');
  const { items } = JSON.parse(history.stdout) as { items: { values: { pressure: number } }[] };
  expect(items.map((item) => item.values.pressure).sort((a, b) => a - b)).toEqual([3.25, 70, 80]);
  const statuses = (await letters('--status', 'all')).map((one) => one.status);
  expect(statuses.sort()).toEqual(['discarded', 'replayed', 'replayed', 'replayed']);
});

test('commands that are wrong, or whose replay fails, say so and end with an error', async () => {
  await send('{"pressure":');
  await waiting(1);
  const [letter] = (await letters()) as [DeadLetter];
  const failed = await platform.iot('dead-letter', 'replay', letter.id);
  expect([failed.code, failed.stdout]).toEqual([1, expect.stringContaining('failed again: malformed')]);
  expect(await letters()).toMatchObject([{ id: letter.id, attempts: 1 }]);
  const both = await platform.iot('dead-letter', 'replay', letter.id, '--all');
  expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('not both')]);
  expect((await platform.iot('dead-letter', 'discard', letter.id)).code).toBe(2);
  expect((await platform.iot('dead-letter', 'show', '1-00000000000000000000000000000000')).stderr).toContain('404');
  expect((await platform.iot('dead-letter', 'discard', letter.id, '--because', 'tried')).code).toBe(0);
});

const executablePath = ['chromium', 'chromium-browser', 'google-chrome'].map(onPath).find((path) => path !== undefined);
if (executablePath === undefined && process.env['CI'])
  throw new Error('chromium is not on PATH; in CI the dashboard is always tested');
const shots = fileURLToPath(new URL('../../artifacts/screenshots', import.meta.url));

describe.skipIf(executablePath === undefined)('in a real browser (needs chromium)', () => {
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  beforeAll(async () => {
    await mkdir(shots, { recursive: true });
    browser = await chromium.launch({
      executablePath: executablePath as string,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
    });
    page = await open({ width: 1280, height: 900 }, 'light', 'admin');
  });
  afterAll(() => browser?.close());

  async function open(viewport: { width: number; height: number }, colorScheme: 'light' | 'dark', role: string) {
    const login = platform.logins.find((one) => one.role === role);
    const context = await browser.newContext({ viewport, colorScheme });
    const opened = await context.newPage();
    opened.setDefaultTimeout(20_000);
    opened.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    opened.on('pageerror', (error) => complaints.push(String(error)));
    await opened.goto(new URL('/dead-letters', platform.urls.dashboard).href);
    await opened.getByRole('button', { name: 'Log in' }).click();
    await opened.getByLabel(/e-?mail/i).fill(login?.user ?? '');
    await opened.getByLabel(/password/i).fill(login?.password ?? '');
    await opened.keyboard.press('Enter');
    await opened.getByRole('heading', { name: 'Dead letters', level: 1 }).waitFor();
    return opened;
  }

  test('a letter is found by reason, edited and replayed with the keyboard alone', async () => {
    await send('{"pressure":');
    await send('{"pressure":999}');
    await waiting(2);
    await page.getByText('2 open').waitFor();
    await page.screenshot({ path: join(shots, 'dead-letters-light.png'), fullPage: true });
    await page.getByLabel('Reason').selectOption('malformed');
    await page.waitForURL(/reason=malformed/);
    await page.getByRole('link', { name: /^not JSON/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('payload').getByText('{"pressure":', { exact: true }).waitFor();
    await page.screenshot({ path: join(shots, 'dead-letter-light.png'), fullPage: true });
    await page.getByRole('button', { name: 'Edit…' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('What a replay shall read').fill('{"pressure":12.5}');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByTestId('edited').getByText('{"pressure":12.5}').waitFor();
    await page.getByRole('button', { name: 'Replay' }).focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('letter-facts').getByText('replayed').waitFor();
    await page.getByText('1 stored').waitFor();
    expect(await page.getByTestId('payload').textContent()).toBe('{"pressure":');
    await page.screenshot({ path: join(shots, 'dead-letter-replayed-light.png'), fullPage: true });
  });

  test('one is discarded with a reason; all that a filter finds are replayed, with progress', async () => {
    await page.goto(new URL('/dead-letters?status=open', platform.urls.dashboard).href);
    await page.getByRole('link', { name: /pressure/ }).click();
    await page.getByRole('button', { name: 'Discard…' }).click();
    await page.getByLabel('Because').fill('a test on the bench');
    await page.keyboard.press('Enter');
    await page.getByText('discarded: a test on the bench').waitFor();
    await setType(50);
    for (const pressure of [60, 61, 62]) await send(`{"pressure":${pressure}}`);
    await waiting(3, '--reason', 'schema');
    await setType(100);
    await page.goto(new URL('/dead-letters?status=open&reason=schema', platform.urls.dashboard).href);
    await page.getByRole('button', { name: 'Replay all…' }).click();
    await page.getByRole('button', { name: 'Replay all', exact: true }).click();
    await page.getByTestId('bulk-progress').getByText('3 replayed').waitFor();
    await page.getByText('Nothing waits').waitFor();
    await page.screenshot({ path: join(shots, 'dead-letters-bulk-light.png'), fullPage: true });
  });

  test('the platform page tells how many wait', async () => {
    await send('{"pressure":');
    await waiting(1);
    await page.getByRole('link', { name: 'Platform', exact: true }).click();
    await page.getByTestId('letters-waiting').getByText('1 dead letter waits').waitFor({ timeout: 30_000 });
  });

  test('a viewer sees that there are letters, not what is in them; dark, on a phone, without sideways scrolling', async () => {
    const phone = await open({ width: 390, height: 844 }, 'dark', 'viewer');
    const overflow = () =>
      phone.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await phone.getByRole('link', { name: /^not JSON/ }).waitFor();
    expect(await overflow()).toBeLessThanOrEqual(0);
    await phone.screenshot({ path: join(shots, 'dead-letters-phone-dark.png'), fullPage: true });
    await phone.getByRole('link', { name: /^not JSON/ }).click();
    await phone.getByText('What devices sent is for operators').waitFor();
    await phone.context().close();
    const dark = await open({ width: 390, height: 844 }, 'dark', 'admin');
    await dark.getByRole('link', { name: /^not JSON/ }).click();
    await dark.getByTestId('payload').waitFor();
    expect(
      await dark.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
    ).toBeLessThanOrEqual(0);
    await dark.screenshot({ path: join(shots, 'dead-letter-phone-dark.png'), fullPage: true });
    await dark.context().close();
  });

  test('the browser had nothing to complain of', () => {
    expect(complaints.filter((text) => !/401|403|404/.test(text))).toEqual([]);
  });
});

function onPath(name: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
  } catch {
    return undefined; // not installed
  }
}
