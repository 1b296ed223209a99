/** A device that reports until it is killed: settings as JSON on stdin's first line; says each number it reported. */
import { createInterface } from 'node:readline';
import { createDevice, type DeviceOptions } from '../../../runtime/device/device.ts';

for await (const line of createInterface({ input: process.stdin })) {
  const settings = JSON.parse(line) as Pick<DeviceOptions, 'id' | 'mqtt' | 'ca' | 'buffer'> & {
    key: string;
    cert: string;
  };
  const device = createDevice({ ...settings, onProblem: () => undefined });
  device.start();
  for (let i = 0; i < 500; i++) process.stdout.write(`${device.report({ i }).seq}\n`);
  process.stdout.write('reported\n');
}
