import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPlatform, type TestPlatform } from '../support/platform.ts';

/** Debian's Chromium, driven through what a person sees: labels, roles, keys. */
const executablePath = ['chromium', 'chromium-browser', 'google-chrome'].map(onPath).find((path) => path !== undefined);
if (executablePath === undefined && process.env['CI'])
  throw new Error('chromium is not on PATH; in CI the dashboard is always tested');

const shots = fileURLToPath(new URL('../../artifacts/screenshots', import.meta.url));

describe.skipIf(executablePath === undefined)('dashboard in a real browser (needs chromium)', () => {
  let platform: TestPlatform;
  let browser: Browser;
  let page: Page;
  let profile: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    await mkdir(shots, { recursive: true });
    profile = await mkdtemp(join(tmpdir(), 'iot-chromium-'));
    platform = await startPlatform({ portBase: 23_000, devices: 8 });
    browser = await chromium.launch({
      executablePath: executablePath as string,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
    page.setDefaultTimeout(15_000);
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
  });
  afterAll(async () => {
    await browser?.close();
    await platform?.stop();
    await rm(profile, { recursive: true, force: true });
  });

  test('a wrong password is refused in words, the right one logs in', async () => {
    await page.goto(platform.urls.dashboard);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByLabel(/e-?mail/i).fill(platform.logins[0]?.user ?? '');
    await page.getByLabel(/password/i).fill('not the password');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await page.screenshot({ path: join(shots, 'log-in-refused.png') });
    await page.getByLabel(/e-?mail/i).fill(platform.logins[0]?.user ?? '');
    await page.getByLabel(/password/i).fill(platform.logins[0]?.password ?? '');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Fleet', exact: true }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/');
  });

  test('the fleet shows its devices and live readings', async () => {
    await page.getByText(/^8 \/ \d+$/).waitFor({ timeout: 60_000 });
    await page.locator('.feed li').first().waitFor({ timeout: 30_000 });
    expect(
      await page
        .getByRole('status')
        .filter({ hasText: /^live$/ })
        .count(),
    ).toBe(1);
    await page.screenshot({ path: join(shots, 'fleet-light.png'), fullPage: true });
  });

  test('a reading sent over MQTT with a certificate appears on the device page by itself', async () => {
    const out = join(platform.data, 'browser-device');
    const made = await platform.iot('device', 'create', 'browser-device', '--out', out, '--json');
    expect(made.code, made.stderr).toBe(0);
    await page.goto(`${platform.urls.dashboard}/devices/browser-device`.replace(/([^:])\/\//, '$1/'));
    await page.getByText('No reading yet').waitFor();
    await page
      .getByRole('status')
      .filter({ hasText: /^live$/ })
      .waitFor();
    const mqtt = new URL(platform.urls.mqtt);
    const client = await connectAsync(`mqtts://${mqtt.hostname}:${mqtt.port}`, {
      clientId: 'browser-device',
      key: await readFile(join(out, 'key.pem')),
      cert: await readFile(join(out, 'cert.pem')),
      ca: await readFile(join(out, 'ca.pem')),
      reconnectPeriod: 0,
    });
    await client.publishAsync('/devices/browser-device/events', JSON.stringify({ temperature: 21.5, door: 'closed' }), {
      qos: 1,
    });
    const newest = page.getByTestId('newest');
    await newest.getByText('21.5').waitFor({ timeout: 15_000 });
    for (const t of [22, 23.5, 22.5])
      await client.publishAsync('/devices/browser-device/events', JSON.stringify({ temperature: t }), { qos: 1 });
    await newest.getByText('22.5').waitFor({ timeout: 15_000 });
    await page.getByText('connected', { exact: true }).waitFor({ timeout: 15_000 });
    await page.screenshot({ path: join(shots, 'device-light.png'), fullPage: true });
    await client.endAsync();
  });

  test('an operator edits the desired state and sends a command with the keyboard alone, and sees what comes back', async () => {
    const out = join(platform.data, 'browser-device');
    const mqtt = new URL(platform.urls.mqtt);
    const client = await connectAsync(`mqtts://${mqtt.hostname}:${mqtt.port}`, {
      clientId: 'browser-device',
      key: await readFile(join(out, 'key.pem')),
      cert: await readFile(join(out, 'cert.pem')),
      ca: await readFile(join(out, 'ca.pem')),
      reconnectPeriod: 0,
    });
    client.on('message', (topic, payload) => {
      const body = JSON.parse(payload.toString()) as { id?: string; desired?: unknown };
      const answer =
        body.desired === undefined
          ? { topic: `${topic}/result`, body: { id: body.id, status: 'succeeded', result: { was: 'fast' } } }
          : { topic: '/devices/browser-device/state', body: { interval: 30 } };
      client.publish(answer.topic, JSON.stringify(answer.body), { qos: 1 });
    });
    await client.subscribeAsync(['/devices/browser-device/config', '/devices/browser-device/commands/#'], { qos: 1 });
    const twin = page.getByRole('region', { name: 'Twin' });
    await twin.getByText('never set').first().waitFor();
    await twin.getByRole('button', { name: 'Edit desired…' }).focus();
    await page.keyboard.press('Enter');
    await twin.getByLabel('Desired state, JSON').fill('{"interval": 30, "lamp": "on"');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await twin.getByText('This is no JSON').waitFor();
    await twin.getByLabel('Desired state, JSON').fill('{"interval": 30, "lamp": "on"}');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await twin.getByTestId('desired').getByText('"lamp": "on"').waitFor();
    await twin.getByTestId('reported').getByText('"interval": 30').waitFor();
    await twin.getByTestId('delta').getByText('"lamp": "on"').waitFor();
    expect(await twin.getByTestId('delta').textContent()).not.toContain('interval');

    const commands = page.getByRole('region', { name: 'Commands' });
    await commands.getByLabel('Command', { exact: true }).fill('reboot');
    await page.keyboard.press('Tab');
    await page.keyboard.type('{"delay":5}');
    await page.keyboard.press('Enter');
    await commands.getByText('succeeded', { exact: true }).waitFor();
    await commands.getByText('{"was":"fast"}').waitFor();
    await client.endAsync();
    await commands.getByLabel('Command', { exact: true }).fill('later');
    await page.keyboard.press('Enter');
    await commands.getByRole('button', { name: 'Cancel later' }).focus();
    await page.keyboard.press('Enter');
    await commands.getByText('cancelled', { exact: true }).waitFor();
    await page.screenshot({ path: join(shots, 'device-twin-light.png'), fullPage: true });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.screenshot({ path: join(shots, 'device-twin-dark.png'), fullPage: true });
    await page.setViewportSize({ width: 390, height: 844 });
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    await page.screenshot({ path: join(shots, 'device-twin-phone-dark.png'), fullPage: true });
    expect(overflow).toBeLessThanOrEqual(0);
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.emulateMedia({ colorScheme: 'light' });
  });

  test('an operator blocks the device with the keyboard alone', async () => {
    await page.getByRole('button', { name: 'Block…' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('Why').fill('lost in the field');
    await page.keyboard.press('Enter');
    await page.getByText('Blocked: lost in the field').waitFor();
    await page.getByRole('button', { name: 'Unblock' }).waitFor();
  });

  test('devices are listed, searched, and an empty answer says what to do', async () => {
    await page.getByRole('link', { name: 'Devices', exact: true }).click();
    await page.getByRole('heading', { name: 'Devices' }).waitFor();
    await page.getByRole('link', { name: 'browser-device' }).waitFor();
    await page.screenshot({ path: join(shots, 'devices-light.png'), fullPage: true });
    await page.getByLabel('Search').fill('no-such-thing');
    await page.keyboard.press('Enter');
    await page.getByText('No device matches').waitFor();
  });

  test('every page is drawn in dark and on a phone without sideways scrolling', async () => {
    const phone = await browser.newPage({ viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
    try {
      await phone.goto(platform.urls.dashboard);
      await phone.getByRole('button', { name: 'Log in' }).click();
      await phone.getByLabel(/e-?mail/i).fill(platform.logins[0]?.user ?? '');
      await phone.screenshot({ path: join(shots, 'log-in-phone-dark.png') });
      await phone.getByLabel(/password/i).fill(platform.logins[0]?.password ?? '');
      await phone.keyboard.press('Enter');
      await phone.getByRole('heading', { name: 'Fleet', exact: true }).waitFor();
      for (const [name, heading] of [
        ['Fleet', 'Fleet'],
        ['Devices', 'Devices'],
        ['Alerts', 'Alerts'],
        ['Dead letters', 'Dead letters'],
        ['Platform', 'Platform'],
      ] as const) {
        await phone.getByRole('navigation', { name: 'Pages', exact: true }).getByRole('link', { name }).click();
        await phone.getByRole('heading', { name: heading, exact: true, level: 1 }).waitFor();
        await phone.waitForFunction(() => !document.body.textContent?.includes('Loading '));
        const overflow = await phone.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow, `${name} scrolls sideways`).toBeLessThanOrEqual(0);
        await phone.screenshot({
          path: join(shots, `${name.toLowerCase().replace(' ', '-')}-phone-dark.png`),
          fullPage: true,
        });
      }
    } finally {
      await phone.close();
    }
  });

  test('the platform page names each part and says that it is up', async () => {
    await page.getByRole('link', { name: 'Platform', exact: true }).click();
    for (const part of ['postgres', 'redis', 'pubsub', 'gateway', 'processor', 'devices', 'telemetry', 'api'])
      await page
        .getByRole('cell', { name: new RegExp(`^${part}`) })
        .first()
        .waitFor();
    await page.screenshot({ path: join(shots, 'platform-light.png'), fullPage: true });
  });

  test('when the platform answers with an error the page says so and keeps its numbers', async () => {
    await page.getByRole('link', { name: 'Fleet', exact: true }).click();
    await page
      .getByText(/\d+ \/ \d+/)
      .first()
      .waitFor();
    await page.route('**/v1/fleet/summary', (route) =>
      route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        body: JSON.stringify({ title: 'Telemetry is away', status: 503 }),
      }),
    );
    await page.getByRole('alert').filter({ hasText: 'Telemetry is away' }).waitFor();
    expect(
      await page
        .getByText(/\d+ \/ \d+/)
        .first()
        .isVisible(),
    ).toBe(true);
    await page.screenshot({ path: join(shots, 'fleet-error.png') });
    await page.unroute('**/v1/fleet/summary');
  });

  test('logging out leaves nothing behind, in the tab or at the authorization server', async () => {
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log out?' }).waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByLabel('Password').waitFor();
    await page.goto(platform.urls.dashboard);
    await page.getByRole('button', { name: 'Log in' }).waitFor();
    expect(await page.evaluate(() => sessionStorage.getItem('iot-session'))).toBeNull();
  });

  test('the browser had nothing to complain of (content security policy included)', () => {
    const expected = /401|404|503/;
    expect(complaints.filter((text) => !expected.test(text))).toEqual([]);
  });
});

function onPath(name: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
  } catch {
    return undefined; // not installed
  }
}
