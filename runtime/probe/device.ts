import { createDevice } from '../device/device.ts';
import type { Credentials } from '../device/enrol.ts';
import type { DeviceReading } from '../device/reading.ts';
import type { ProbeDevice } from './probe.ts';

/** The device library as the probe uses it: one connection, one reading. It reconnects by itself, as devices do. */
export function startProbeDevice(options: {
  id: string;
  mqtt: { host: string; port: number; servername?: string };
  credentials: Credentials;
}): ProbeDevice {
  const { id, mqtt, credentials } = options;
  const connected = Promise.withResolvers<void>();
  const acknowledged = Promise.withResolvers<DeviceReading>();
  let problem: string | undefined;
  const device = createDevice({
    id,
    mqtt,
    ...credentials,
    onConnect: () => connected.resolve(),
    onAck: acknowledged.resolve,
    onProblem: (told) => {
      problem = told;
    },
  });
  device.start();
  return {
    connected: connected.promise,
    publish() {
      device.report({ probe: true });
      return acknowledged.promise;
    },
    problem: () => problem,
    async stop() {
      await device.stop(0);
    },
  };
}
