import { Gauge } from 'prom-client';
import { z } from 'zod';
import { deviceTrustPath } from '../contracts/http/index.ts';
import { defaultTenant } from '../contracts/identifiers.ts';
import type { CertificatesSettings } from '../contracts/settings/services.ts';
import { signByPool } from '../platform/google/ca-pool.ts';
import { connectGoogle } from '../platform/google/google.ts';
import { openSecret } from '../platform/google/secret.ts';
import { createUpstream } from '../platform/http/client.ts';
import { openServiceToken } from '../platform/identity/service-token.ts';
import type { Running, ServiceContext } from '../platform/service/run.ts';
import { openTlsFolder } from './files.ts';
import { startKeeper } from './keeper.ts';
import { sharedTicketSecret } from './ticket-secret.ts';

const Trust = z.object({ authorities: z.array(z.string().startsWith('-----BEGIN CERTIFICATE-----')).max(200) });
const trustEveryMs = 60_000;
const caller = { tenant: defaultTenant, subject: 'service:certificates', scopes: [] };

/** The gateway's sidecar: server certificate from Certificate Authority Service, devices' CAs from the devices service. */
export async function startCertificates({
  settings,
  log,
  metrics,
}: ServiceContext<Readonly<z.output<typeof CertificatesSettings>>>): Promise<Running> {
  const google = connectGoogle({ endpoint: settings.IOT_GOOGLE_ENDPOINT });
  const identity = openServiceToken(settings.IOT_IDENTITY_DIR, 'devices');
  const devices = createUpstream({ name: 'devices', url: settings.IOT_DEVICES_URL, identity }, log);
  const tickets = settings.IOT_TICKET_SECRET && openSecret(google, settings.IOT_TICKET_SECRET);
  const keeper = startKeeper({
    folder: await openTlsFolder(settings.IOT_TLS_DIR),
    names: settings.IOT_SERVER_NAMES,
    trustEveryMs,
    log,
    ...(tickets && {
      ticketSecret: () =>
        sharedTicketSecret(tickets, (version) => log.info({ version }, 'secret of session tickets made')),
    }),
    sign: (csr, attempt) =>
      signByPool(google, settings.IOT_SERVER_CA_POOL, {
        csr,
        lifetimeSeconds: settings.IOT_SERVER_CERTIFICATE_HOURS * 3_600,
        idempotencyKey: `${settings.IOT_INSTANCE} ${attempt}`,
      }),
    async trusted() {
      const { status, body } = await devices.call({ method: 'GET', path: deviceTrustPath, caller });
      if (status !== 200) throw new Error(`devices answered ${status} to ${deviceTrustPath}`);
      return Trust.parse(JSON.parse(body.toString())).authorities;
    },
  });
  new Gauge({
    name: 'iot_server_certificate_not_after_seconds',
    help: "End of the gateway's certificate, seconds since 1970; 0 while there is none",
    registers: [metrics],
    collect() {
      this.set((keeper.notAfter() ?? 0) / 1_000);
    },
  });
  return {
    health: { live: () => true, notReady: keeper.missing },
    async stop() {
      keeper.stop();
      devices.close();
    },
  };
}
