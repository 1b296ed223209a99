import type { GatewaySettings } from '../contracts/settings/services.ts';
import type { Identity } from '../platform/tls/device-certificate.ts';
import { deviceOfClientId } from './client-identity.ts';
import { holdBudgetMs, idleLimitMs } from './hold-budget.ts';
import type { Penalties } from './penalties.ts';
import { connackCode, type Refusal, type Session } from './session.ts';

export type AdmissionState = {
  draining: boolean;
  /** @returns why the device may not connect. */
  refusal(identity: Identity): string | undefined;
  identitiesReady: boolean;
  penalties: Penalties;
  now: number;
};

/**
 * Whether a CONNECT is let in, from the certificate and the local copy of the identity changes alone: neither database nor
 * Redis is on the path of a reconnect. Pure.
 * @param identity from the certificate; on the plain port, of the client id.
 */
export function decide(identity: Identity, clientId: string, state: AdmissionState): Refusal | undefined {
  const name = `${identity.tenant}/${identity.device}`;
  if (deviceOfClientId(clientId) !== identity.device)
    return {
      code: connackCode.identifier,
      label: 'client-id',
      reason: `the MQTT client id must be the device id of the certificate, ${identity.device}`,
    };
  if (state.draining) return { code: connackCode.unavailable, label: 'draining', reason: 'the gateway is stopping' };
  if (!state.identitiesReady)
    return { code: connackCode.unavailable, label: 'not-ready', reason: 'identities are not loaded yet' };
  const refused = state.refusal(identity);
  if (refused !== undefined) return { code: connackCode.notAuthorized, label: 'revoked', reason: refused };
  const wait = state.penalties.waitMs(name, state.now);
  if (wait > 0)
    return { code: connackCode.unavailable, label: 'penalty', reason: `the device has to wait ${wait} ms more` };
  return undefined;
}

/** Fills a session that is let in. */
export function admitted(
  session: Session,
  identity: Identity,
  keepaliveSeconds: number,
  connection: number,
  settings: Pick<ReturnType<(typeof GatewaySettings)['parse']>, 'IOT_KEEPALIVE_MAX_SECONDS'>,
): void {
  session.tenant = identity.tenant;
  session.device = identity.device;
  session.name = `${identity.tenant}/${identity.device}`;
  session.connectedAt = Date.now();
  session.connection = connection;
  session.endsAt = identity.endsAt ?? 0;
  session.keepaliveSeconds = keepaliveSeconds;
  session.budgetMs = holdBudgetMs(keepaliveSeconds);
  session.idleLimitMs = idleLimitMs(keepaliveSeconds, settings.IOT_KEEPALIVE_MAX_SECONDS);
}
