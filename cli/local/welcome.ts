import { mqttHost } from '../../runtime/local/plan.ts';
import type { Platform } from '../../runtime/local/platform.ts';
import type { DeviceFiles } from '../device-files.ts';
import { type Output, table } from '../output.ts';
import { firstDeviceId } from './first-device.ts';

/** The one line of `iot local up --json`. */
export function readyLine(platform: Platform) {
  const { urls, ca, stores, data, processes } = platform.status();
  const { logins, client } = platform.secrets;
  return {
    ready: true,
    urls,
    ca,
    logins: logins.map(({ user, password, role }) => ({ user, password, role })),
    client: { id: client.id, secret: client.secret },
    stores,
    data,
    processes: processes.map(({ name, pid }) => ({ name, pid })),
  };
}

/** What a person sees when everything runs. Each command works when it is pasted. */
export function welcome(options: {
  platform: Platform;
  device: DeviceFiles | undefined;
  seconds: number;
  paint: Output['paint'];
}): string {
  const { platform, device, seconds, paint } = options;
  const status = platform.status();
  const { logins, client } = platform.secrets;
  const heading = (text: string) => paint.bold(text);
  const indent = (text: string) => text.replace(/^/gm, '  ');
  const mqtt = mqttHost(status.urls.mqtt);
  const sections = [
    `${heading(paint.green(`The platform is ready`))} after ${seconds.toFixed(1)} s.`,
    indent(
      table(
        ['PART', 'SECONDS TO READY', 'PID'],
        status.processes.map((p) => [p.name, (p.readySeconds ?? 0).toFixed(1).padStart(16), p.pid ?? '-']),
      ),
    ),
    heading('Open'),
    indent(
      table(
        ['Dashboard', status.urls.dashboard],
        [
          ['API', `${status.urls.api}/v1 (described at ${status.urls.api}/openapi.json)`],
          ['MQTT', `${status.urls.mqtt} (mutual TLS)`],
          ['Data', status.data],
        ],
      ),
    ),
    heading('Log in'),
    indent(
      table(
        ['USER', 'PASSWORD', 'ROLE'],
        logins.map(({ user, password, role }) => [user, password, role]),
      ),
    ),
    heading('Ask the API'),
    indent(curlLine(status.urls.api, client)),
    ...(device === undefined
      ? []
      : [
          heading('Be a device'),
          indent(mosquittoLine(mqtt, device)),
          indent(`npx iot telemetry latest ${firstDeviceId}`),
        ]),
    heading('Next'),
    indent(
      table(
        ['npx iot device create my-device', 'a device of your own: key, certificate, CA'],
        [
          ['npx iot local logs -f', 'what every part says; --trace ID follows one message'],
          ['npx iot local status', 'CPU, memory and restarts of each part'],
          ['npx iot --help', 'everything else'],
        ],
      ),
    ),
    paint.yellow('This stand is not for production: one machine, loopback only, keys in files.'),
    paint.dim('Ctrl-C stops everything in order and keeps the data.'),
  ];
  return `\n${sections.join('\n\n')}\n`;
}

/** One line, since it is meant for pasting: asks for a token, then lists devices with it. */
export function curlLine(api: string, client: { id: string; secret: string }): string {
  const token = `curl -s -u '${client.id}:${client.secret}' -d grant_type=client_credentials ${api}/oauth/token`;
  const accessToken = `$(${token} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`;
  return `curl -s -w '\\n' -H "Authorization: Bearer ${accessToken}" '${api}/v1/devices?limit=3'`;
}

export function mosquittoLine(mqtt: { host: string; port: number }, files: DeviceFiles): string {
  return [
    `mosquitto_pub -h ${mqtt.host} -p ${mqtt.port} -q 1 -i ${firstDeviceId}`,
    `--cafile ${quote(files.ca)} --cert ${quote(files.cert)} --key ${quote(files.key)}`,
    `-t /devices/${firstDeviceId}/events -m '{"temperature":21.5}'`,
  ].join(' ');
}

/** For a shell: only what needs it is quoted. */
function quote(text: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
