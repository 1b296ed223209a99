import { TelemetrySettings } from '../contracts/settings/services.ts';
import { runService } from '../platform/service/run.ts';
import { startTelemetry } from './service.ts';

await runService({
  service: 'telemetry',
  schema: TelemetrySettings,
  env: process.env,
  stopWithinMs: 15_000,
  start: (context) => startTelemetry(context),
});
