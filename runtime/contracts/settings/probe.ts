import { z } from 'zod';
import { DeviceId } from '../identifiers.ts';
import { googleEndpoint, secretResource } from './cloud.ts';
import { commonSettings, coreDatabase, hostPort, url, whole } from './common.ts';

/** What the probe has of the common settings: it serves no health port and ends by itself. */
const ownSettings = {
  IOT_INSTANCE: commonSettings.IOT_INSTANCE,
  IOT_LOG_LEVEL: commonSettings.IOT_LOG_LEVEL,
  IOT_GOOGLE_ENDPOINT: googleEndpoint().optional(),
};

/** One walk through the platform as a device: enrol, connect, publish, and ask whether the reading is there. */
export const ProbeSettings = z
  .object({
    ...ownSettings,
    IOT_API_URL: url('http', 'https'),
    IOT_MQTT: hostPort,
    /** Name that the gateway's certificate has to carry, where it is not the host of IOT_MQTT. */
    IOT_MQTT_SERVER_NAME: z.string().min(1).max(253).optional(),
    /** JSON file with the OAuth client: `{"id":…,"secret":…,"tokenUrl":…}`; without tokenUrl the platform's own issuer. */
    IOT_CLIENT_FILE: z.string().min(1).optional(),
    /** Secret in Secret Manager that holds the same instead. */
    IOT_PROBE_CLIENT: secretResource().optional(),
    /** Device that it is; made when it is not there. One probe at a time: a second one takes the connection over. */
    IOT_DEVICE_ID: DeviceId.default('probe'),
    /** Longest time for everything. */
    IOT_DEADLINE_SECONDS: whole(60, 1, 600),
  })
  .refine((s) => (s.IOT_CLIENT_FILE === undefined) !== (s.IOT_PROBE_CLIENT === undefined), {
    path: ['IOT_CLIENT_FILE'],
    message: 'exactly one of IOT_CLIENT_FILE and IOT_PROBE_CLIENT is needed',
  });

/** `jobs probe-client`: makes the probe's OAuth client, and keeps its secret in Secret Manager alone. */
export const ProbeClientSettings = z.object({
  ...ownSettings,
  ...coreDatabase,
  IOT_PROBE_CLIENT: secretResource(),
});
