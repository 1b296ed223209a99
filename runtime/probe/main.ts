import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProbeSettings } from '../contracts/settings/probe.ts';
import { enrol } from '../device/enrol.ts';
import { connectGoogle } from '../platform/google/google.ts';
import { openSecret } from '../platform/google/secret.ts';
import { createLog } from '../platform/service/log.ts';
import { readSettings, SettingsError } from '../platform/service/settings.ts';
import { createProbeApi, ProbeClient } from './api.ts';
import { startProbeDevice } from './device.ts';
import { probe } from './probe.ts';

/** Once: one line on standard output. Exit codes: 0 went through, 1 did not, 2 wrong settings or no client. */
async function main(): Promise<number> {
  const settings = readSettings('probe', ProbeSettings, process.env);
  const log = createLog({ service: 'probe', instance: settings.IOT_INSTANCE, level: settings.IOT_LOG_LEVEL });
  const client = await clientOf(settings);
  if (typeof client === 'string') {
    log.fatal(client);
    return 2;
  }
  const signal = AbortSignal.timeout(settings.IOT_DEADLINE_SECONDS * 1_000);
  const { IOT_API_URL: api, IOT_DEVICE_ID: deviceId, IOT_MQTT_SERVER_NAME: servername } = settings;
  const [host = '', port = ''] = settings.IOT_MQTT.split(':');
  const mqtt = { host, port: Number(port), ...(servername === undefined ? {} : { servername }) };
  const result = await probe({
    deviceId,
    api: createProbeApi({ api, client, signal }),
    enrol: (token) => enrol({ deviceId, api, token: async () => token }),
    device: (credentials) => startProbeDevice({ id: deviceId, mqtt, credentials }),
    signal,
    now: () => performance.now(),
    pause: () => sleep(100),
  });
  if (result.failed === null) log.info({ probe: result }, 'probe passed');
  else log.error({ probe: result }, `probe failed at ${result.failed.step}`);
  return result.ok ? 0 : 1;
}

/** The OAuth client, or one sentence why there is none. */
async function clientOf(settings: {
  IOT_CLIENT_FILE?: string | undefined;
  IOT_PROBE_CLIENT?: string | undefined;
  IOT_GOOGLE_ENDPOINT?: string | undefined;
}): Promise<ProbeClient | string> {
  const place = settings.IOT_CLIENT_FILE ?? settings.IOT_PROBE_CLIENT ?? '';
  try {
    const text =
      settings.IOT_CLIENT_FILE === undefined ? await secretText(place, settings) : await readFile(place, 'utf8');
    if (text === undefined) return `${place} has no version yet: jobs probe-client makes it`;
    return ProbeClient.parse(JSON.parse(text));
  } catch (error) {
    // The text is a secret: only what is wrong with it, never what it says.
    const why = error instanceof SyntaxError ? 'it is no JSON' : error instanceof Error ? error.message : String(error);
    return `the probe's client can not be read from ${place}: ${why}; it is {"id":…,"secret":…}`;
  }
}

async function secretText(name: string, settings: { IOT_GOOGLE_ENDPOINT?: string | undefined }) {
  const google = connectGoogle({ endpoint: settings.IOT_GOOGLE_ENDPOINT });
  return (await openSecret(google, name).newest())?.value.toString('utf8');
}

try {
  process.exit(await main());
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
}
