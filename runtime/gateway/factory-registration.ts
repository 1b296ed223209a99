import { z } from 'zod';
import { callerHeaders, enrolByCertificatePath } from '../contracts/http/index.ts';
import { defaultTenant } from '../contracts/identifiers.ts';
import type { ServiceToken } from '../platform/identity/service-token.ts';

const Registered = z.object({ tenant: z.string(), device: z.string(), serial: z.string() });
const Refused = z.object({ detail: z.string().optional(), title: z.string() });
const timeoutMs = 5_000;
/** First connections of makers' devices that wait at once; more are told to come back. */
const mostWaiting = 64;

/** `away`: nobody could say, the device should try again. */
export type Registration = 'registered' | 'away' | { refused: string };

/** Asks the devices service to register a factory certificate that is seen for the first time. */
export class FactoryRegistration {
  private readonly url: string;
  private readonly identity: ServiceToken;
  private waiting = 0;

  constructor(devicesUrl: string, identity: ServiceToken) {
    this.url = new URL(enrolByCertificatePath, devicesUrl).href;
    this.identity = identity;
  }

  /** @param certificate PEM; its key was proved in the TLS handshake. Never rejects. */
  async register(certificate: string): Promise<Registration> {
    if (this.waiting >= mostWaiting) return 'away';
    this.waiting++;
    try {
      return await this.ask(certificate);
    } catch {
      // No answer, or none that can be read: either way the device comes back, and the feed's log tells of an outage.
      return 'away';
    } finally {
      this.waiting--;
    }
  }

  private async ask(certificate: string): Promise<Registration> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await this.identity.current()}`,
        'content-type': 'application/json',
        [callerHeaders.tenant]: defaultTenant,
      },
      body: JSON.stringify({ certificate, renew: false }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status === 401) this.identity.forget();
    const body: unknown = await response.json();
    if (response.ok) {
      Registered.parse(body);
      return 'registered';
    }
    if (response.status !== 404 && response.status !== 409 && response.status !== 422) return 'away';
    const { detail, title } = Refused.parse(body);
    return { refused: detail ?? title };
  }
}
