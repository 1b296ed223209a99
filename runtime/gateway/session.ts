import type { Socket } from 'node:net';
import type { UpTopic } from '../contracts/topics.ts';
import type { Identity } from '../platform/tls/device-certificate.ts';
import { AckOrder } from './ack-order.ts';
import type { DeliveryState } from './delivery-state.ts';
import { type Frame, newFrame } from './frame-guard.ts';
import type { TenantUse } from './tenant-use.ts';
import type { TokenBucket } from './token-bucket.ts';

/** Why a connection ended; also a metric label and part of the lifecycle event, so a bounded set. */
export type EndReason =
  | 'client'
  | 'network'
  | 'keepalive'
  | 'takeover'
  | 'revoked'
  | 'expired'
  | 'drain'
  | 'protocol'
  | 'oversize'
  | 'topic'
  | 'slow'
  | 'bus-away'
  | 'refused'
  | 'stop';

/** One connection, from its accepted socket on. Identity is there after TLS, the rest after CONNECT. */
export class Session {
  readonly socket: Socket;
  /** From TLS; after CONNECT also of who came in by JWT. */
  identity: Identity | undefined;
  /** It came in by the plain port. */
  plain = false;
  /** PEM of a factory certificate, until its device is registered. */
  certificate: string | undefined;
  /** When what let it in is over, epoch milliseconds; 0: never while it is connected. */
  endsAt = 0;
  readonly frame: Frame = newFrame();
  /** `tenant/device`; empty before CONNECT was accepted. */
  name = '';
  tenant = '';
  device = '';
  /** Epoch milliseconds of CONNECT. */
  connectedAt = 0;
  /** Rises with time over all connections of this process, epoch milliseconds at first. */
  connection = 0;
  keepaliveSeconds = 0;
  idleLimitMs = 0;
  budgetMs = 0;
  lastSeenAt: number;
  /** Messages whose acknowledgement is held. */
  held = 0;
  rate: TokenBucket | undefined;
  tenantUse: TenantUse | undefined;
  /**
   * QoS 2 packet ids that wait for their PUBREL, so that a PUBLISH sent again is not stored again: `stored`, or who waits
   * for that. It ends with the connection: CONNACK says that there is no session, so the device may reuse its ids, and
   * an id remembered too long would acknowledge a new message without storing it.
   */
  qos2: Map<number, 'stored' | ((error: Error | null) => void)[]> | undefined;
  readonly acks = new AckOrder();
  /** Updates (state, results) taken in on this connection: the order in which the device said them. */
  updates = 0;
  /** What it has been sent from above; undefined until it listens. */
  delivery: DeliveryState | undefined;
  /** Packets of QoS 1 sent to it and not confirmed, by their number. */
  unconfirmed: Map<number, () => void> | undefined;
  nextPacketId = 1;
  /** The topic published to last and what it means; devices publish to few. */
  topic = '';
  meaning: UpTopic | { kind: 'refused'; reason: string } | undefined;
  /** Since when nothing is read from it for back-pressure, epoch milliseconds; 0 when it is read. */
  pausedSince = 0;
  /** `told`: Redis may know it, so it is released at its end. `over`: it is not written any more. */
  presence: 'none' | 'told' | 'over' = 'none';
  endReason: EndReason | undefined;
  /** It broke a rule and ends; what it sent besides is no second violation, and is not read. */
  violated = false;
  /** Set when CONNECT is to be answered with a refusal. */
  refusal: Refusal | undefined;
  /** Acknowledgements written this turn are sent together. */
  corked = false;

  constructor(socket: Socket, identity: Identity | undefined, now: number) {
    this.socket = socket;
    this.identity = identity;
    this.lastSeenAt = now;
  }
}

/** CONNACK return codes of MQTT 3.1.1 (3.2.2.3). */
export const connackCode = { identifier: 2, unavailable: 3, credentials: 4, notAuthorized: 5 } as const;
export type Refusal = { code: 2 | 3 | 4 | 5; label: RefusalLabel; reason: string };

/** Label `reason` of the refusals counter. */
export type RefusalLabel =
  | 'identity'
  | 'jwt'
  | 'client-id'
  | 'revoked'
  | 'penalty'
  | 'not-ready'
  | 'draining'
  | 'full'
  | 'handshake-rate'
  | 'address-rate'
  | 'address-waiting'
  | 'handshake'
  | 'mqtt5'
  | 'topic'
  | 'subscription'
  | 'oversize'
  | 'protocol'
  | 'slow'
  | 'bus-away'
  | 'qos0-dropped'
  | 'refused-by-bus';
