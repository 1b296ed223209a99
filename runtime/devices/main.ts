import { DevicesSettings } from '../contracts/settings/services.ts';
import { runService } from '../platform/service/run.ts';
import { startDevices } from './service.ts';

await runService({
  service: 'devices',
  schema: DevicesSettings,
  env: process.env,
  stopWithinMs: 15_000,
  start: (context) => startDevices(context),
});
