import { type DeviceTrust, deviceTrustPath, enrolByCertificatePath } from '../../contracts/http/index.ts';
import type { Problem } from '../../contracts/http/operation.ts';
import { defaultTenant } from '../../contracts/identifiers.ts';
import { type Upstream, UpstreamAway } from '../../platform/http/client.ts';

/** What the devices service says to a device that enrols: a certificate, or why not. */
export type Outcome =
  | { certificate: string }
  | { status: number; detail: string; retryAfterSeconds: number | undefined };

/** The devices service as EST needs it. */
export function enrolmentAt(devices: Upstream) {
  async function post(path: string, body: unknown, traceparent: string): Promise<unknown | Outcome> {
    const caller = { tenant: defaultTenant, subject: 'est', scopes: [], traceparent };
    try {
      const answer = await devices.call({ method: 'POST', path, caller, body: JSON.stringify(body) });
      if (answer.status < 300) return JSON.parse(answer.body.toString());
      const { detail = '', title } = JSON.parse(answer.body.toString()) as Problem;
      const retryAfter = Number(answer.headers['retry-after']);
      return {
        status: answer.status,
        detail: detail || title,
        retryAfterSeconds: Number.isInteger(retryAfter) && retryAfter > 0 ? retryAfter : undefined,
      };
    } catch (error) {
      if (!(error instanceof UpstreamAway)) throw error;
      return { status: 503, detail: 'a part of the platform does not answer now', retryAfterSeconds: error.retryAfter };
    }
  }
  return {
    async byCode(code: string, csr: string, traceparent: string): Promise<Outcome> {
      return (await post('/internal/v1/enrol', { code, csr }, traceparent)) as Outcome;
    },
    async byCertificate(certificate: string, csr: string, renew: boolean, traceparent: string): Promise<Outcome> {
      const answer = await post(enrolByCertificatePath, { certificate, csr, renew }, traceparent);
      return (answer as { issued?: Outcome }).issued ?? (answer as Outcome);
    },
    /** PEM of the CAs that a device needs. @throws UpstreamAway */
    async authorities(traceparent: string): Promise<string[]> {
      const caller = { tenant: defaultTenant, subject: 'est', scopes: [], traceparent };
      const answer = await devices.call({ method: 'GET', path: deviceTrustPath, caller });
      if (answer.status !== 200) throw new UpstreamAway('devices', `answered ${answer.status}`);
      return (JSON.parse(answer.body.toString()) as DeviceTrust).authorities;
    },
  };
}
export type Enrolment = ReturnType<typeof enrolmentAt>;
