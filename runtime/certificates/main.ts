import { CertificatesSettings } from '../contracts/settings/services.ts';
import { runService } from '../platform/service/run.ts';
import { startCertificates } from './service.ts';

await runService({
  service: 'certificates',
  schema: CertificatesSettings,
  env: process.env,
  stopWithinMs: 5_000,
  start: startCertificates,
});
